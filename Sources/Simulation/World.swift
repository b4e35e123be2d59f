import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money

/// One seed's world: the real core, surrounded by models of everything else. A pure function of the
/// seed; one thread.
final class World {
    /// Faults that will hit the next commit.
    struct Armed {
        var failScript = false
        var loseReply = false
        var crashAfterApply = false
    }

    /// The open directions between a region and HQ.
    struct Link {
        var up = true
        var down = true
    }

    let options: SeedOptions
    let shape: WorldShape
    /// By generation, the logs in HQ's files.
    let topologies: [StoreTopology]
    private let settingsByGeneration: [FoldSettings]
    private let onTrace: ((String) -> Void)?

    private var queue = EventQueue()
    /// The queue's time, in milliseconds since the live part began.
    private(set) var elapsed: Int64 = 0
    /// How long the world was frozen in total.
    var slept: Int64 = 0
    private(set) var isHealed = false
    private var isFinished = false

    var logs: [PartitionLog]
    var truths: [ShardTruth]
    var author: RecordAuthor
    /// By the region's index in the configuration.
    let sites: [Site]
    var headquarters: [HeadquartersProcess] = []
    var nodes: [NodeProcess] = []
    /// By log.
    var groups: [ConsumerGroup] = []
    /// By region and HQ.
    var linkIsOpen: [[Link]]
    var brokerIsReachable: [Bool]
    var armed = Armed()
    var requests = 0
    /// By node, the newest request that reached HQ.
    var newestArrived: [Int: Int] = [:]
    /// By shard.
    var letterLedgers: [LetterLedger]
    /// Corrections requested of regions at HQ, by id.
    var commands: [String: Command] = [:]
    var commandCount = 0
    /// By shard, until when no record is written to it, in the queue's time.
    var mutedUntil: [Int64]
    /// By shard, minutes that a node decided with too few ids.
    var shortRanges: [[Range<Int32>]]
    /// By shard, places where money of no log was written before its watermark was dropped. A node
    /// that knows the minute removes it. If no node does, it stays and is not claimed.
    var strays: [[ShardTruth.Place]]
    /// True once the regions' second logs are written, in a world where they continue or replace
    /// the first ones.
    var hasMovedOn = false
    /// The first minute that no HQ and no node has ever refused as too old.
    var firstTaken = Int32.min

    var logRandom: RandomStream
    var networkRandom: RandomStream
    var regionRandom: RandomStream
    var headquartersRandom: RandomStream
    var storeRandom: RandomStream
    var faultRandom: RandomStream
    var siteRandom: RandomStream
    var letterRandom: RandomStream
    var commandRandom: RandomStream
    var keyRandom: RandomStream
    var continuationRandom: RandomStream
    var topologyRandom: RandomStream

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
        shape = WorldShape(
            partitions: options.partitions, hasAddedPartition: options.partitionAddedAt != nil)
        topologies = Self.topologies(shape, options)
        var exponents: [Currency: Int] = [:]
        if let column = options.finerColumn {
            exponents[options.currencies[column]] = options.currencies[column].exponent + 1
        }
        settingsByGeneration = (1...Self.generations).map { generation in
            FoldSettings(
                idKey: IDKey(low: options.seed, high: 0x7472_6962), exponents: exponents,
                continuingLogs: options.continuedAt == nil ? [] : [WorldShape.secondLog],
                generation: generation, isRelayed: options.isRelayed)
        }
        let shards = shape.shards.count
        let width = options.currencies.count
        logs = Array(repeating: PartitionLog(), count: shards)
        truths = shape.shards.map { shard in
            ShardTruth(
                disorder: options.continuedAt != nil && shard.id.log == WorldShape.secondLog
                    ? options.disorder : nil)
        }
        author = RecordAuthor(
            options: options,
            takesCorrections: shape.shards.map {
                $0.local == 0 || options.movedOnAt != nil && $0.id.partition == 0
            })
        let store = StoreModel(
            shards: shards, logs: shape.logs.count, currencies: options.currencies)
        sites = (0..<options.sites).map { Site(number: $0, store: store, width: width) }
        linkIsOpen = shape.regions.map { _ in
            (0..<options.sites).map { _ in Link() }
        }
        letterLedgers = Array(repeating: LetterLedger(), count: shards)
        brokerIsReachable = shape.regions.map { _ in true }
        mutedUntil = Array(repeating: 0, count: shards)
        shortRanges = Array(repeating: [], count: shards)
        strays = Array(repeating: [], count: shards)
        logRandom = RandomStream(seed: options.seed, part: .log)
        networkRandom = RandomStream(seed: options.seed, part: .network)
        regionRandom = RandomStream(seed: options.seed, part: .region)
        headquartersRandom = RandomStream(seed: options.seed, part: .headquarters)
        storeRandom = RandomStream(seed: options.seed, part: .store)
        faultRandom = RandomStream(seed: options.seed, part: .faults)
        siteRandom = RandomStream(seed: options.seed, part: .sites)
        letterRandom = RandomStream(seed: options.seed, part: .letters)
        commandRandom = RandomStream(seed: options.seed, part: .commands)
        keyRandom = RandomStream(seed: options.seed, part: .keys)
        continuationRandom = RandomStream(seed: options.seed, part: .continuation)
        topologyRandom = RandomStream(seed: options.seed, part: .topology)
        atlas = FaultAtlas(shards: shards)
    }

    /// The generations of settings that a region may reach.
    static let generations: UInt32 = 4
    /// How long after the last fault everything must be right again, in milliseconds.
    static let healing: Int64 = 60_000
    /// How long after the last fault no hour may differ from its node's digest, in milliseconds.
    private static let audit: Int64 = 480_000

    func foldSettings(of node: NodeProcess) -> FoldSettings {
        settingsByGeneration[Int(node.generation) - 1]
    }

    // MARK: - Running

    /// Runs the world to its end or to the first failed check.
    func run() -> SeedReport {
        begin()
        while !isFinished, failure == nil, let (time, event) = queue.next() {
            elapsed = time
            tally.events += 1
            for site in sites where site.store.expire(at: now) { probes.hit(.minutesExpired) }
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

    /// Records the first failure; the run ends after the present event.
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
        for site in sites {
            for _ in 0..<(site.number == 0 ? options.headquarters : 1) {
                let process = HeadquartersProcess(
                    number: headquarters.count, site: site, topology: topologies[0],
                    publisher: PublisherCheck(
                        shape: shape, options: options, topology: topologies[0], at: elapsed))
                headquarters.append(process)
                startTimers(of: process)
            }
        }
        for region in shape.regions.indices {
            let first = nodes.count
            for _ in 0..<options.nodesPerRegion {
                let process = NodeProcess(number: nodes.count, region: region)
                nodes.append(process)
                begin(process)
            }
            for log in shape.logsOfRegion[region] {
                groups.append(
                    ConsumerGroup(
                        members: Array(first..<nodes.count),
                        partitions: shape.logs[log].partitions,
                        most: shape.logs[log].shards.count))
            }
            rebalance(region: region)
        }
        let end = options.liveMinutes * 60_000
        schedule(.produce, after: 0)
        scheduleTopology()
        schedule(.fault, after: faultRandom.wait(mean: options.faultWait))
        schedule(.heal, after: end)
        // Each hour's digest needs its turn; every push carries one.
        schedule(.finish, after: end + (options.isSpoilt ? Self.audit : Self.healing))
        if options.commandWait > 0 {
            schedule(.askCorrection, after: commandRandom.wait(mean: options.commandWait))
        }
        if options.stopWait > 0 {
            schedule(.stop, after: letterRandom.wait(mean: options.stopWait))
        }
        if options.isSpoilt { schedule(.spoil, after: siteRandom.wait(mean: 45_000)) }
        if options.keyLossWait > 0 {
            schedule(.loseKeys, after: keyRandom.wait(mean: options.keyLossWait))
        }
    }

    /// Starts a process that is down.
    func begin(_ process: NodeProcess) {
        process.state = .running
        // Its digests start again with the first hour.
        for site in sites where elapsed < site.auditedBy { awaitAudit(at: site) }
        process.clockErrorAtStart = process.clockError
        if process.clockError.magnitude > 3_600_000 { probes.hit(.nodeStartedWithWrongClock) }
        process.hosts = logsRead(by: process).map {
            NodeHost(settings(of: process, log: $0), log: $0)
        }
    }

    func startTimers(of process: HeadquartersProcess) {
        schedule(
            .maintenance(headquarters: process.number, incarnation: process.incarnation), after: 1)
        schedule(
            .publisherTurn(headquarters: process.number, incarnation: process.incarnation), after: 1
        )
    }

    private func handle(_ event: WorldEvent) {
        hash.add(elapsed)
        switch event {
        case .produce: produce()
        case .moveOn: moveOn()
        case .takeTopology(let of): takeTopology(of)
        case .addPartition: addPartition()
        case .tick(let node, let incarnation, _), .learnAssignment(let node, let incarnation),
            .takeOver(let node, let incarnation, _), .told(let node, let incarnation, _, _),
            .broker(let node, let incarnation, _, _),
            .requestTimeout(let node, let incarnation, _, _, _, _):
            handle(event, at: nodes[node], incarnation)
        case .reply(let reply):
            handle(event, at: nodes[reply.request.node], reply.request.incarnation)
        case .letter(let node, let incarnation, let host, let letter):
            deliver(letter, nodes[node], incarnation: incarnation, host)
        case .publish(let node, let incarnation, let host, let command, let record):
            write(record, of: command, nodes[node], incarnation: incarnation, host)
        case .request(let request): requestArrived(request)
        case .round(let task, let action): perform(action, of: task)
        case .maintenance(let number, let incarnation):
            let process = headquarters[number]
            if process.isRunning, process.incarnation == incarnation { maintain(process) }
        case .publisherTurn(let number, let incarnation):
            let process = headquarters[number]
            if process.isRunning, process.incarnation == incarnation { takeTurn(process) }
        case .stop: stopInOrder()
        case .askCorrection: askForCorrection()
        case .spoil: spoil()
        case .loseKeys: loseKeys()
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

    private func handle(_ event: WorldEvent, at process: NodeProcess, _ incarnation: Int) {
        guard process.incarnation == incarnation else { return }
        switch process.state {
        case .down: return
        case .paused: return process.postponed.append(event)
        case .running: break
        }
        hash.add(process.number)
        switch event {
        case .tick(_, _, let turn): if turn == process.turn { tick(process) }
        case .learnAssignment: learnAssignment(process)
        case .takeOver(_, _, let host): takeOver(process, host)
        case .told(_, _, let host, let event): tell(process, host, event)
        case .broker(_, _, let host, let question): brokerAnswers(question, process, host)
        case .reply(let reply): replyArrived(reply, at: process)
        case .requestTimeout(_, _, let host, let hq, let question, let request):
            requestTimedOut(hq: hq, question: question, request: request, process, host)
        default: break
        }
    }

    func mix(_ number: Int64) { hash.add(number) }

    /// The world's final state, whatever path led to it: the contents of its logs, and HQ's state.
    private func outcome() -> SeedReport.Outcome {
        var outcome = SeedReport.Outcome()
        for shard in shape.shards.indices {
            logs[shard].mix(into: &outcome.logs)
            let store = sites[0].store
            guard let stored = store.stored(shard) else { continue }
            outcome.state.add(stored.watermark)
            let table = store.buckets[shard]
            for (row, minute) in table.minutes.enumerated()
            where minute >= max(stored.claims.idsFrom, stored.claims.idsShortUntil).number {
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
        for site in sites { addFinalState(of: site.store) }
    }

    private func addFinalState(of store: StoreModel) {
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
