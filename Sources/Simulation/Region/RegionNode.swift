import Aggregation
import CivilTime

/// One process of a region.
final class RegionNode {
    enum State {
        case running
        case paused
        case down
    }

    /// A request that waits for its answer.
    struct Waiting {
        var number: Int
        /// Local numbers of the shards whose deltas went out, or that the question is about.
        var shards: [Int]
    }

    let number: Int
    let region: Int
    let name: String
    var state = State.running
    /// Rises with every start.
    var incarnation = 1
    /// Its clock minus the true time, in milliseconds.
    var clockError: Int64 = 0
    /// Whether its clock has ever been wrong since it started.
    var clockWasWrong = false
    /// The generation of its settings.
    var generation: UInt32 = 1
    /// By local number.
    var slots: [ShardSlot]
    var waiting: Waiting?
    /// Whether the last request was a question, so that joining shards cannot starve the others.
    var askedLast = false
    /// No request before this time of the queue.
    var notBefore: Int64 = 0
    /// The number of the turn that comes next.
    var turn = 0
    /// What came while it stood still.
    var postponed: [WorldEvent] = []

    init(number: Int, region: Int, shards: Int) {
        self.number = number
        self.region = region
        name = "node-\(number)"
        slots = Array(repeating: .notOwned, count: shards)
    }

    /// Ends the process: all it knew is gone.
    func stop() {
        state = .down
        incarnation += 1
        slots = Array(repeating: .notOwned, count: slots.count)
        waiting = nil
        postponed = []
        notBefore = 0
    }
}
