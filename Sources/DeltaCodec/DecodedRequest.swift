package import DeltaProtocol
package import Identifiers

/// A received request: the shards that decoded to plain values, and those that did not.
package struct DecodedRequest: Hashable, Sendable {
    /// Its `shards` are in the order of the message, without `malformedShards`. They are only
    /// representable: the merge decides whether they are valid.
    package var request: DeltaRequest
    /// HQ must answer each with `refused(.malformed)`; the other shards are unaffected.
    package var malformedShards: [MalformedShard]

    package init(request: DeltaRequest, malformedShards: [MalformedShard] = []) {
        self.request = request
        self.malformedShards = malformedShards
    }
}

/// A shard of a request that does not decode to a plain value.
package struct MalformedShard: Hashable, Sendable {
    package var log: LogID
    package var partition: Int32
    package var problem: ShardProblem

    package init(log: LogID, partition: Int32, problem: ShardProblem) {
        self.log = log
        self.partition = partition
        self.problem = problem
    }
}

/// Why a shard is malformed; the raw value is for logs.
package enum ShardProblem: String, Error, Hashable, Sendable, CaseIterable {
    /// A code that is not in the built-in ISO 4217 table.
    case unknownCurrency = "unknown_currency"
    /// A currency index outside the shard's table.
    case currencyIndex = "currency_index"
    /// Columns of different lengths.
    case columnLengths = "column_lengths"
    /// More than `Limits.bucketsPerShard`.
    case tooManyBuckets = "too_many_buckets"
    /// Base or coverage outside 0 to `DeltaCodec.maximumOffset`.
    case offset = "offset"
    /// A range of minutes that ends before it begins.
    case minuteRange = "minute_range"
    /// A counter outside 0 to 2^52.
    case counter = "counter"
    /// A ledger system of more than `Limits.ledgerSystemBytes`.
    case ledgerSystem = "ledger_system"
}
