import DeltaProtocol
import RegionCore

/// One process of a region: a node for each of the region's logs, which share its fate.
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
    /// The same when it started, which its own clock goes on with.
    var clockErrorAtStart: Int64 = 0
    /// The generation of its settings.
    var generation: UInt32 = 1
    /// The generation of its topology, and whether its region file counts the added partition.
    var topologyGeneration = 1
    var countsAddedPartition = false
    /// By log that it reads; empty while the process is down.
    var hosts: [NodeHost] = []
    /// Whether it was told to stop and has not ended yet.
    var isStopping = false
    /// The number of the turn that comes next.
    var turn = 0
    /// What came while it stood still.
    var postponed: [WorldEvent] = []

    init(number: Int, region: Int) {
        self.number = number
        self.region = region
        name = "node-\(number)"
    }

    /// Ends the process: all it knew is gone.
    func stop() {
        state = .down
        incarnation += 1
        hosts = []
        postponed = []
        isStopping = false
    }
}

/// The real node of one log, and what surrounds it in its process: the consumer's positions and
/// the clients that wait for answers.
final class NodeHost {
    /// What is remembered of a shard that folds.
    struct Folded {
        var shard: ObjectIdentifier
        /// The place in the log of the first record that it took.
        var firstPlace: Int
        /// Whether it folds its log from the very beginning.
        var isWhole: Bool
    }

    var node: RegionNode
    /// The log's number in the world.
    let log: Int
    /// The group's generation that it takes part in.
    var generation = 0
    /// By partition that is read, the next offset.
    var reading: [Int32: Int64] = [:]
    /// By HQ, the question that its client waits for, and the number of the request that bears it.
    var waiting: [Int?]
    var waitingRequest: [Int?]
    /// By partition.
    var folded: [Int32: Folded] = [:]
    /// By HQ, the parts of a push that wait for the answer to the part before.
    var parts: [[DeltaRequest]]
    /// The last reported lead of the machine's clock, in milliseconds.
    var toldAhead: Int64 = 0
    /// Whether the node has come to its end in order.
    var hasEnded = false
    /// Letters that are too large, by token.
    var largeLetters: [UInt: World.LetterUnderWay] = [:]
    /// What the node wants done.
    var actions: [RegionAction] = []

    init(_ settings: RegionNodeSettings, log: Int) {
        node = RegionNode(settings)
        self.log = log
        waiting = Array(repeating: nil, count: settings.headquarters)
        waitingRequest = waiting
        parts = Array(repeating: [], count: settings.headquarters)
    }
}
