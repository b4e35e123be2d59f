/// The meaning of a record, known from its author: the second fold never sees bytes.
enum Meaning: Sendable {
    case transfer(TransferMeaning)
    case correction(CorrectionMeaning)
    case marker(markedAt: Int64)
    /// Settles nothing.
    case ignored
    /// Rejected in any case.
    case malformed
}

struct TransferMeaning: Sendable, Equatable {
    /// A number for each transfer id of a shard.
    var id: Int
    /// The index of its currency in the world.
    var column: Int
    /// ISO minor units.
    var amount: Int64
    /// Milliseconds since 1970.
    var settledAt: Int64
}

struct CorrectionMeaning: Sendable, Equatable {
    /// A number for each correction id of a shard.
    var id: Int
    var column: Int
    var minute: Int32
    var delta: Int64
    var before: Int64
    /// Milliseconds since 1970.
    var issuedAt: Int64
}
