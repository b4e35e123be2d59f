package import DeltaProtocol
internal import Identifiers

extension DeltaCodec {
    /// Splits a request into requests within the limits of size and shard count. Each has the same
    /// envelope; the first carries the outcomes of commands. Shards stay whole and in order.
    ///
    /// A shard too large for any request gets one of its own, which HQ refuses as too large; the
    /// limits of the topology exclude it.
    package static func split(_ request: DeltaRequest) -> [DeltaRequest] {
        var envelope = request
        envelope.shards = []
        let room = Limits.requestBytes - encode(envelope).count
        var requests: [DeltaRequest] = []
        var current = envelope
        var bytes = 0
        for shard in request.shards {
            let size = byteBound(shard)
            let isFull = bytes + size > room || current.shards.count == Limits.shardsPerRequest
            if isFull && !current.shards.isEmpty {
                requests.append(current)
                current = envelope
                current.outcomes = []
                bytes = 0
            }
            current.shards.append(shard)
            bytes += size
        }
        requests.append(current)
        return requests
    }

    /// An upper bound of a shard's encoded size within a request, in bytes.
    package static func byteBound(_ shard: ShardDelta) -> Int {
        facts(of: shard) + WireBucketColumns.byteBound(shard.buckets)
            + WireBucketColumns.byteBound(shard.late)
            + WireBucketColumns.byteBound(shard.missed)
    }

    /// An upper bound of all but the columns: 38 numbers of at most 11 bytes with their tags, and
    /// two names.
    private static func facts(of shard: ShardDelta) -> Int {
        440 + shard.log.name.utf8.count + (shard.marker?.system.utf8.count ?? 0)
    }
}
