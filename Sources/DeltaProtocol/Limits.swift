/// Every bound of the region-HQ contract, defined once.
public enum Limits {
    /// The protocol version of this build; one version of skew is accepted.
    package static let protocolVersion: UInt32 = 2

    /// A request body, in bytes. A full shard of 50 currencies is about 0.6 MiB.
    package static let requestBytes = 4 << 20
    /// A reply body, in bytes: large enough for the values of one full shard.
    package static let replyBytes = 16 << 20
    /// Shards of one request.
    package static let shardsPerRequest = 1_024
    /// Buckets of one shard: 1,506 minutes of 300 currencies, more than ISO 4217 lists.
    package static let bucketsPerShard = 1_506 * 300
    /// Bytes of a node's name.
    package static let nodeNameBytes = 128
    /// Commands that one reply carries.
    package static let commandsPerReply = 16
    /// Outcomes of commands that one request carries.
    package static let outcomesPerRequest = 64
    /// Bytes of a command's id.
    package static let commandIDBytes = 128
    /// Bytes of a correction's reason, and of its requester.
    package static let reasonBytes = 512
    /// Bytes of a command's error description.
    package static let problemBytes = 200
    /// Bytes of a ledger's system identifier.
    package static let ledgerSystemBytes = 64

    /// A bucket's settled and correction sums stay within ±2^52, so that a sum of both over 1,000
    /// shards stays within `Int64`.
    @inlinable
    package static var sumMagnitude: Int64 { 1 << 52 }

    /// Minutes that rings and the store retain, the present one included: 25 h.
    @inlinable
    package static var retainedMinutes: Int { 1_500 }
    /// Money in minutes this far after HQ's now, or further, is ahead.
    @inlinable
    package static var futureMinutes: Int { 6 }
    /// The sliding window, in minutes: 24 h.
    package static let windowMinutes = 1_440
}
