import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import Money
import Topology

/// One seed's world: the real core in the middle, and models of all that surrounds it. A pure
/// function of the seed; one thread.
final class World {
    /// Faults that strike the next commit.
    struct Armed {
        var failScript = false
        var loseReply = false
        var crashAfterApply = false
    }

    /// Which ways between a region and HQ are open.
    struct Link {
        var up = true
        var down = true
    }

    let options: SeedOptions
    let shape: WorldShape
    private let settingsByGeneration: [FoldSettings]
    private let onTrace: ((String) -> Void)?

    private var queue = EventQueue()
    /// The queue's time, in milliseconds since the live part began.
    private(set) var elapsed: Int64 = 0
    /// How long the world has stood still in all.
    var slept: Int64 = 0
    private(set) var isHealed = false
    private var isFinished = false

    var logs: [PartitionLog]
    var truths: [ShardTruth]
    var author: RecordAuthor
    var store: StoreModel
    var headquarters: [HeadquartersProcess] = []
    var nodes: [RegionNode] = []
    var groups: [ConsumerGroup] = []
    var linkIsOpen: [Link]
    var brokerIsReachable: [Bool]
    var storeIsReachable = true
    var armed = Armed()
    var requests = 0
    /// By node, the newest request that HQ has had.
    var newestArrived: [Int: Int] = [:]
    /// Whether a failed script may have left sums that no process remembers to repair.
    var sumsAreDoubtful = false
    /// By shard, until when nothing is written into it, in the queue's time.
    var mutedUntil: [Int64]

    var logRandom: RandomStream
    var networkRandom: RandomStream
    var regionRandom: RandomStream
    var headquartersRandom: RandomStream
    var storeRandom: RandomStream
    var faultRandom: RandomStream

    var checks: [ShardCheck]
    var atlas: FaultAtlas
    var tally = Tally()
    var probes = ProbeCounts()
    private(set) var hash = RollingHash()
    private(set) var failure: String?

    /// The true time, in milliseconds since 1970.
    var now: Int64 { options.startedAt + elapsed + slept }

    init(options: SeedOptions, onTrace: ((String) -> Void)?) {
        self.options = options
        self.onTrace = onTrace
        shape = WorldShape(partitions: options.partitions)
        var exponents: [Currency: Int] = [:]
        if let column = options.finerColumn {
            exponents[options.currencies[column]] = options.currencies[column].exponent + 1
        }
        settingsByGeneration = (1...Self.generations).map { generation in
            FoldSettings(
                idKey: IDKey(low: options.seed, high: 0x7472_6962), exponents: exponents,
                generation: generation, isRelayed: options.isRelayed)
        }
        let shards = shape.shards.count
        let width = options.currencies.count
        logs = Array(repeating: PartitionLog(), count: shards)
        truths = Array(repeating: ShardTruth(), count: shards)
        author = RecordAuthor(
            options: options, takesCorrections: shape.shards.map { $0.local == 0 })
        store = StoreModel(shards: shards, logs: shape.logs.count, currencies: options.currencies)
        linkIsOpen = shape.regions.map { _ in Link() }
        brokerIsReachable = shape.regions.map { _ in true }
        mutedUntil = Array(repeating: 0, count: shards)
        logRandom = RandomStream(seed: options.seed, part: .log)
        networkRandom = RandomStream(seed: options.seed, part: .network)
        regionRandom = RandomStream(seed: options.seed, part: .region)
        headquartersRandom = RandomStream(seed: options.seed, part: .headquarters)
        storeRandom = RandomStream(seed: options.seed, part: .store)
        faultRandom = RandomStream(seed: options.seed, part: .faults)
        checks = Array(repeating: ShardCheck(width: width), count: shards)
        atlas = FaultAtlas(shards: shards)
    }

    /// The generations of settings that a region may come to.
    static let generations: UInt32 = 4
    /// How long after the last fault all must be right again, in milliseconds.
    static let healing: Int64 = 60_000

    func settings(of node: RegionNode) -> FoldSettings {
        settingsByGeneration[Int(node.generation) - 1]
    }

    // MARK: - Running

    /// Runs the world to its end or to the first thing that is wrong.
    func run() -> SeedReport {
        begin()
        while !isFinished, failure == nil, let (time, event) = queue.next() {
            elapsed = time
            tally.events += 1
            if store.expire(at: now) { probes.hit(.minutesExpired) }
            handle(event)
        }
        addFinalState()
        tally.virtualMilliseconds = elapsed + slept
        var report = SeedReport(seed: options.seed)
        report.tally = tally
        report.probes = probes
        report.hash = hash
        report.outcome = outcome()
        report.failure = failure
        return report
    }

    func schedule(_ event: WorldEvent, after wait: Int64) {
        queue.add(event, at: elapsed + wait)
    }

    /// Notes the first thing that is wrong; the run ends behind the event under way.
    func fail(_ what: @autoclosure () -> String) {
        guard failure == nil else { return }
        let what = what()
        failure = "\(what) (at \(elapsed) ms)"
        trace("WRONG: \(what)")
    }

    func trace(_ line: @autoclosure () -> String) {
        guard let onTrace else { return }
        onTrace("\(elapsed) \(line())")
    }

    private func begin() {
        writeHistory()
        for number in 0..<options.headquarters {
            let process = HeadquartersProcess(
                number: number, publisher: PublisherCheck(shape: shape, options: options))
            headquarters.append(process)
            startTimers(of: process)
        }
        for region in shape.regions.indices {
            let first = nodes.count
            for _ in 0..<options.nodesPerRegion {
                nodes.append(
                    RegionNode(
                        number: nodes.count, region: region,
                        shards: shape.shardsOfRegion[region].count))
            }
            groups.append(
                ConsumerGroup(
                    members: Array(first..<nodes.count),
                    shards: shape.shardsOfRegion[region].count))
            rebalance(region: region)
        }
        let end = options.liveMinutes * 60_000
        schedule(.produce, after: 0)
        schedule(.fault, after: faultRandom.wait(mean: options.faultWait))
        schedule(.heal, after: end)
        schedule(.finish, after: end + Self.healing)
    }

    func startTimers(of process: HeadquartersProcess) {
        schedule(
            .maintenance(headquarters: process.number, incarnation: process.incarnation), after: 1)
        schedule(
            .publish(headquarters: process.number, incarnation: process.incarnation), after: 1)
    }

    private func handle(_ event: WorldEvent) {
        hash.add(elapsed)
        switch event {
        case .produce: produce()
        case .tick(let node, let incarnation, _), .learnAssignment(let node, let incarnation),
            .endAnswer(let node, let incarnation, _, _, _),
            .requestTimeout(let node, let incarnation, _):
            handle(event, at: nodes[node], incarnation)
        case .reply(let reply):
            handle(event, at: nodes[reply.node], reply.incarnation)
        case .request(let request): requestArrived(request)
        case .ingest(let task): ingest(task)
        case .maintenance(let number, let incarnation):
            let process = headquarters[number]
            if process.isRunning, process.incarnation == incarnation { maintain(process) }
        case .publish(let number, let incarnation):
            let process = headquarters[number]
            if process.isRunning, process.incarnation == incarnation { publish(process) }
        case .fault: injectFault()
        case .recover(let recovery): if !isHealed { recover(recovery) }
        case .heal:
            isHealed = true
            heal()
        case .finish:
            isFinished = true
            checkEnd()
        }
    }

    private func handle(_ event: WorldEvent, at node: RegionNode, _ incarnation: Int) {
        guard node.incarnation == incarnation else { return }
        switch node.state {
        case .down: return
        case .paused: return node.postponed.append(event)
        case .running: break
        }
        hash.add(node.number)
        switch event {
        case .tick(_, _, let turn): if turn == node.turn { tick(node) }
        case .learnAssignment: learnAssignment(node)
        case .endAnswer(_, _, let shard, let end, let askedAt):
            endAnswered(node, shard: shard, end: end, askedAt: askedAt)
        case .reply(let reply): replyArrived(reply, at: node)
        case .requestTimeout(_, _, let request):
            if let waiting = node.waiting, waiting.number == request {
                node.waiting = nil
                requestFailed(waiting, of: node)
            }
        default: break
        }
    }

    func mix(_ number: Int64) { hash.add(number) }

    /// What the world came to, whatever way it took there: what its logs hold, and what HQ has.
    private func outcome() -> SeedReport.Outcome {
        var outcome = SeedReport.Outcome()
        for shard in shape.shards.indices {
            logs[shard].mix(into: &outcome.logs)
            guard let stored = store.stored(shard) else { continue }
            outcome.state.add(stored.watermark)
            let table = store.buckets[shard]
            for (row, minute) in table.minutes.enumerated()
            where minute >= stored.completeFrom.number {
                outcome.state.add(Int64(minute))
                for column in options.currencies.indices {
                    let value = table.value(row: row, column: column)
                    outcome.state.add(value.settled)
                    outcome.state.add(value.transfers)
                    outcome.state.add(value.correction)
                }
            }
        }
        return outcome
    }

    private func addFinalState() {
        for shard in shape.shards.indices {
            hash.add(store.texts[shard].watermark ?? "")
            for (row, minute) in store.buckets[shard].minutes.enumerated() {
                hash.add(Int64(minute))
                for column in options.currencies.indices {
                    let value = store.buckets[shard].value(row: row, column: column)
                    hash.add(value.settled)
                    hash.add(value.transfers)
                    hash.add(value.correction)
                }
            }
        }
    }
}
