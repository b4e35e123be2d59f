import CivilTime
import DeltaProtocol
import Federation

/// A commit round in progress in an HQ process.
final class RoundTask {
    let process: HeadquartersProcess
    let incarnation: Int
    let request: Request
    let region: Int
    var round: CommitRound
    /// By shard of the world, its last reading, and when in the queue's time.
    var readings: [Int: (reading: ShardReading, at: Int64)] = [:]
    /// The minutes of the last requested digest.
    var digested: ClosedRange<Minute>?

    init(process: HeadquartersProcess, request: Request, region: Int, round: CommitRound) {
        self.process = process
        incarnation = process.incarnation
        self.request = request
        self.region = region
        self.round = round
    }

    /// True if its process has ended, and the connection with it.
    var isAbandoned: Bool { !process.isRunning || process.incarnation != incarnation }
}
