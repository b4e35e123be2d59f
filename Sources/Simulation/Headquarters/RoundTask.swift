import CivilTime
import DeltaProtocol
import Federation

/// A commit round that an HQ process works on.
final class RoundTask {
    let process: HeadquartersProcess
    let incarnation: Int
    let request: Request
    let region: Int
    var round: CommitRound
    /// By shard of the world, what was read of it last, and when in the queue's time.
    var readings: [Int: (reading: ShardReading, at: Int64)] = [:]
    /// The minutes whose digest was asked for last.
    var digested: ClosedRange<Minute>?

    init(process: HeadquartersProcess, request: Request, region: Int, round: CommitRound) {
        self.process = process
        incarnation = process.incarnation
        self.request = request
        self.region = region
        self.round = round
    }

    /// Whether the process that worked on it is gone, and the connection with it.
    var isAbandoned: Bool { !process.isRunning || process.incarnation != incarnation }
}
