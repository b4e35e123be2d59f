import DeltaProtocol
import Federation

/// A request that HQ works on: read, decide, write, and again where another writer was faster.
final class IngestTask {
    enum Stage {
        case read
        case write
    }

    let process: HeadquartersProcess
    let incarnation: Int
    let request: Request
    let deltas: DeltaRequest
    let context: MergeContext
    let region: Int
    var stage = Stage.read
    var attempt = 0
    /// By shard of the request.
    var replies: [ShardReply?]
    /// Shards of the request that have no final reply yet, and what was read for them.
    var pending: [Int] = []
    var readings: [ShardReading] = []

    init(
        process: HeadquartersProcess, request: Request, deltas: DeltaRequest,
        context: MergeContext, region: Int
    ) {
        self.process = process
        incarnation = process.incarnation
        self.request = request
        self.deltas = deltas
        self.context = context
        self.region = region
        replies = Array(repeating: nil, count: deltas.shards.count)
    }
}
