/// What a record means, known by whoever wrote it: the second fold never sees bytes.
enum Meaning: Sendable {
    case transfer(TransferMeaning)
    case correction(CorrectionMeaning)
    case marker(markedAt: Int64)
    /// Settles nothing.
    case ignored
    /// Rejected, whatever else holds.
    case malformed
}

struct TransferMeaning: Sendable, Equatable {
    /// One number for each transfer id of a shard.
    var id: Int
    /// Which of the world's currencies.
    var column: Int
    /// ISO minor units.
    var amount: Int64
    /// Milliseconds since 1970.
    var settledAt: Int64
}

struct CorrectionMeaning: Sendable, Equatable {
    /// One number for each correction id of a shard.
    var id: Int
    var column: Int
    var minute: Int32
    var delta: Int64
    var before: Int64
    /// Milliseconds since 1970.
    var issuedAt: Int64
}
