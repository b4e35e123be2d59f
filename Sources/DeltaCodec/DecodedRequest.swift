package import DeltaProtocol
package import Topology

/// A request as it came in: the shards that are plain values, and those that cannot become any.
package struct DecodedRequest: Hashable, Sendable {
    /// Its `shards` are in the order of the wire, without those of `malformedShards`. They are
    /// representable, no more: the merge decides whether they make sense.
    package var request: DeltaRequest
    /// Each is to be answered `refused(.malformed)`; the other shards stand.
    package var malformedShards: [MalformedShard]

    package init(request: DeltaRequest, malformedShards: [MalformedShard] = []) {
        self.request = request
        self.malformedShards = malformedShards
    }
}

/// A shard of a request whose content has no plain value.
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

/// What makes a shard malformed; the raw value is for logs.
package enum ShardProblem: String, Error, Hashable, Sendable, CaseIterable {
    /// A code that the built-in ISO 4217 table does not have.
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
