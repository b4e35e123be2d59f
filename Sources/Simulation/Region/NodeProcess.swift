import DeltaProtocol
import RegionCore

/// One process of a region: one node for each of the region's logs, with a common fate.
final class NodeProcess {
    enum State {
        case running
        case paused
        case down
    }

    let number: Int
    let region: Int
    let name: String
    var state = State.running
    /// Rises with every start.
    var incarnation = 1
    /// Its machine's clock minus the true time, in milliseconds.
    var clockError: Int64 = 0
    /// The same at its start, from which its own clock continues.
    var clockErrorAtStart: Int64 = 0
    /// The generation of its settings.
    var generation: UInt32 = 1
    /// The generation of its topology, and whether its region file counts the added partition.
    var topologyGeneration = 1
    var countsAddedPartition = false
    /// By log that it reads; empty while the process is down.
    var hosts: [NodeHost] = []
    /// True while it is stopping.
    var isStopping = false
    /// The number of the next turn.
    var turn = 0
    /// Events that arrived while it was frozen.
    var postponed: [WorldEvent] = []

    init(number: Int, region: Int) {
        self.number = number
        self.region = region
        name = "node-\(number)"
    }

    /// Ends the process, which loses its memory.
    func stop() {
        state = .down
        incarnation += 1
        hosts = []
        postponed = []
        isStopping = false
    }
}

/// The real node of one log and its surroundings in the process: the consumer's positions and the
/// clients that wait for answers.
final class NodeHost {
    /// Facts about a folding shard.
    struct Folded {
        var shard: ObjectIdentifier
        /// The index in the log of the first record that it folded.
        var firstPlace: Int
        /// True if it folds its log from the very beginning.
        var isWhole: Bool
    }

    var node: RegionNode
    /// The log's number in the world.
    let log: Int
    /// The group generation that it belongs to.
    var generation = 0
    /// By partition that it reads, the next offset.
    var reading: [Int32: Int64] = [:]
    /// By HQ, the question that its client waits for, and the number of the request that carries
    /// it.
    var waiting: [Int?]
    var waitingRequest: [Int?]
    /// By partition.
    var folded: [Int32: Folded] = [:]
    /// By HQ, the parts of a push that wait for the answer to the previous part.
    var parts: [[DeltaRequest]]
    /// The last reported lead of the machine's clock, in milliseconds.
    var toldAhead: Int64 = 0
    /// True if the node has ended gracefully.
    var hasEnded = false
    /// Letters that are too large, by token.
    var largeLetters: [UInt: World.LetterUnderWay] = [:]
    /// The node's requested actions.
    var actions: [RegionAction] = []

    init(_ settings: RegionNodeSettings, log: Int) {
        node = RegionNode(settings)
        self.log = log
        waiting = Array(repeating: nil, count: settings.headquarters)
        waitingRequest = waiting
        parts = Array(repeating: [], count: settings.headquarters)
    }
}
