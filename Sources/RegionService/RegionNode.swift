import Aggregation
import CivilTime
import DeltaClient
import DeltaProtocol
import KafkaClient
import Logging
import Synchronization
import Topology

/// One node of a region: the shards that the group gave it, folded and pushed by one thread.
///
/// The thread owns all state. Whatever blocks for long is elsewhere: `LogWatcher` asks the broker,
/// each `HeadquartersLink` talks to its HQ, and both leave their answers in an inbox.
final class RegionNode {
    /// How long one poll waits for records: bounds how late an inbox is read.
    private static let pollMs: Int32 = 20
    /// Questions whose answer did not come are asked again, in milliseconds.
    static let askAgainMilliseconds: Int64 = 3_000
    /// How often the node writes how it stands, in milliseconds.
    private static let reportMilliseconds: Int64 = 30_000
    /// A broker's trouble is written once in so long, in milliseconds: librdkafka tells of every
    /// connection that failed.
    private static let warnAgainMilliseconds: Int64 = 30_000

    let configuration: RegionConfiguration
    let settings: FoldSettings
    let log: LogID
    let partitionCount: Int32
    let logger: Logger
    let consumer: KafkaConsumer
    let watcher: LogWatcher
    let links: [LinkState]
    let letters: DeadLetters
    private let isStopping: @Sendable () -> Bool

    /// By partition.
    var shards: [Int32: RegionShard] = [:]
    /// Whether nothing is read until dead letters are acknowledged.
    private(set) var isHeldBack = false
    /// When to say anew which partitions are read; nil where nothing of that has changed.
    var assignAgainAt: UnixTime?
    private var warnedAt: [KafkaErrorCode: UnixTime] = [:]
    private var diversions: [Diversion] = []
    private var records: [Aggregation.LogRecord] = []
    private var endsAskedAt: UnixTime?
    private var areEndsAsked = false
    private var committedAt: UnixTime?
    private var reportedAt: UnixTime?

    /// What the node keeps of one HQ.
    final class LinkState {
        /// No wait is longer: a clock that jumped back by more does not silence the node.
        private static let longestRestMilliseconds: Int64 = 120_000

        let link: HeadquartersLink
        var isBusy = false
        var backoff = Backoff()
        var nextPushAt: UnixTime?
        var random = SystemRandomNumberGenerator()
        var problem = ""

        init(_ link: HeadquartersLink) { self.link = link }

        /// Whether nothing is to be sent yet.
        func isResting(at now: UnixTime) -> Bool {
            guard let nextPushAt else { return false }
            return nextPushAt > now && nextPushAt - Self.longestRestMilliseconds < now
        }
    }

    init(
        _ configuration: RegionConfiguration, partitionCount: Int32, links: [HeadquartersLink],
        watcher: LogWatcher, logger: Logger, isStopping: @escaping @Sendable () -> Bool
    ) throws {
        let region = configuration.region
        guard let current = region.currentLog else {
            throw RegionError("region \(region.id): expected at least one log")
        }
        self.configuration = configuration
        self.partitionCount = partitionCount
        self.links = links.map(LinkState.init)
        self.watcher = watcher
        self.logger = logger
        self.isStopping = isStopping
        log = current.id
        settings = FoldSettings(
            idKey: configuration.idKey, exponents: region.exponents, logs: region.logs.map(\.id),
            generation: region.generation, isRelayed: region.isRelayed)
        logger.info(
            "node begins",
            metadata: [
                "topic": "\(region.topic)", "partitions": "\(partitionCount)", "log": "\(log)",
            ])
        consumer = try KafkaConsumer(
            properties: region.kafka, group: region.group, logger: logger)
        letters = try DeadLetters(
            properties: region.kafka, topic: region.deadLetterTopic, logger: logger)
        records.reserveCapacity(KafkaConsumer.batchRecordsMax)
    }

    /// Folds and pushes until the service stops, then pushes and commits what is left.
    func run() throws {
        defer {
            consumer.close()
            letters.close()
        }
        try consumer.subscribe(configuration.region.topic)
        while !isStopping() { try turn() }
        try drain()
    }

    /// One turn: read the inboxes, fold what came, push what is due.
    private func turn() throws {
        let now = WallClock.now()
        try takeLogAnswers(now: now)
        takeHeadquartersAnswers(now: now)
        try letters.settle()
        try holdBack()
        var events: [KafkaEvent] = []
        _ = try consumer.poll(timeoutMs: Self.pollMs) { partition, records in
            try fold(records, of: partition)
        } onEvent: {
            events.append($0)
        }
        for event in events { try handle(event, now: now) }
        try assignAgain(now: WallClock.now())
        try join(now: WallClock.now())
        askEnds(now: now)
        for index in links.indices { push(to: index, now: WallClock.now()) }
        try commit(now: now)
        report(now: now)
    }

    /// While too many dead letters are unacknowledged, records wait in the broker. Reading nothing
    /// rather than pausing: librdkafka keeps a partition paused that was taken away and given back.
    private func holdBack() throws {
        guard letters.isFull != isHeldBack else { return }
        isHeldBack = letters.isFull
        try assignFolding(now: WallClock.now())
    }

    /// Not while a batch is delivered: what is left of it belongs to the old assignment.
    private func assignAgain(now: UnixTime) throws {
        guard let due = assignAgainAt else { return }
        // A clock that jumped back must not leave a shard unread.
        guard due <= now || due - Self.askAgainMilliseconds > now else { return }
        assignAgainAt = nil
        try assignFolding(now: now)
    }

    var foldingShards: [FoldingShard] {
        shards.keys.sorted().compactMap { shards[$0]?.folding }
    }

    private func fold(_ batch: UnsafeBufferPointer<KafkaRecord>, of partition: Int32) throws {
        guard let shard = shards[partition], let folding = shard.folding else { return }
        try checkTimestamps(batch)
        records.removeAll(keepingCapacity: true)
        records.append(
            contentsOf: batch.lazy.map { record in
                Aggregation.LogRecord(
                    offset: record.offset, timestamp: record.timestampMs,
                    value: record.isTombstone ? nil : record.value)
            })
        diversions.removeAll(keepingCapacity: true)
        records.withUnsafeBufferPointer { folding.fold.fold($0, into: &diversions) }
        guard !folding.fold.hasForeignRecord else {
            stop(shard, .foreignRecord)
            assignAgainAt = WallClock.now()
            return
        }
        if !diversions.isEmpty { try letters.send(diversions, of: batch, shard: folding) }
    }

    /// Every record, for a topic's setting may have changed under way.
    private func checkTimestamps(_ batch: UnsafeBufferPointer<KafkaRecord>) throws {
        guard configuration.region.timestamps == .broker else { return }
        for record in batch { try checkTimestamp(record.timestampKind) }
    }

    private func checkTimestamp(_ kind: KafkaTimestampKind?) throws {
        guard configuration.region.timestamps == .broker, kind == .producer else { return }
        throw RegionError.timestamps(of: configuration.region)
    }

    private func handle(_ event: KafkaEvent, now: UnixTime) throws {
        switch event {
        case .assigned(let partitions):
            logger.info("partitions taken over", metadata: ["count": "\(partitions.count)"])
            try takeOver(partitions)
        case .revoked(let partitions), .lost(let partitions):
            logger.info("partitions given back", metadata: ["count": "\(partitions.count)"])
            // States are kept until the group says who has them: most come back at once.
            for partition in partitions { shards[partition]?.folding?.isAssigned = false }
        case .endOfPartition(let partition, let offset):
            shards[partition]?.folding?.fold.reachedEnd(at: offset)
        case .offsetOutOfRange(let partition, let offset):
            logger.warning(
                "offset out of range, the shard joins anew",
                metadata: ["partition": "\(partition)", "offset": "\(offset)"])
            shards[partition]?.rejoin()
        case .partitionFailed(let partition, let error):
            logger.warning(
                "partition not readable",
                metadata: ["partition": "\(partition)", "error": "\(error)"])
        case .commitFailed(let positions, let error):
            logger.debug("offsets not committed", metadata: ["error": "\(error)"])
            commitAgain(positions)
        case .error(let error):
            // librdkafka tells here of every connection that failed, whatever for, and makes
            // others by itself.
            guard !error.isFatal, !error.code.isAuthorization else { throw error }
            warn(of: error, now: now)
        }
    }

    private func warn(of error: KafkaError, now: UnixTime) {
        if let last = warnedAt[error.code], last <= now, last + Self.warnAgainMilliseconds > now {
            return
        }
        warnedAt[error.code] = now
        logger.warning("kafka", metadata: ["error": "\(error)"])
    }

    private func askEnds(now: UnixTime) {
        if let asked = endsAskedAt, asked <= now {
            let interval =
                areEndsAsked
                ? Self.askAgainMilliseconds * 3
                : configuration.endOffsetInterval.milliseconds
            guard asked + interval <= now else { return }
        }
        let partitions = foldingShards.map(\.partition)
        guard !partitions.isEmpty else { return }
        endsAskedAt = now
        areEndsAsked = true
        watcher.askEnds(of: partitions)
    }

    private func takeLogAnswers(now: UnixTime) throws {
        for answer in watcher.inbox.takeAll() {
            switch answer {
            case .facts(let partition, let askedAt, let facts, let stamped):
                try checkTimestamp(stamped)
                // An answer to a shard that was given back meanwhile is too old for a new one.
                guard let shard = shards[partition], shard.askedFactsAt == askedAt else {
                    continue
                }
                shard.askedFactsAt = nil
                shard.facts = facts
            case .failed(let partition, let askedAt, let error):
                guard let shard = shards[partition], shard.askedFactsAt == askedAt else {
                    continue
                }
                shard.askedFactsAt = nil
                shard.factsFailedAt = now
                logger.warning(
                    "the log does not answer",
                    metadata: ["partition": "\(partition)", "error": "\(error)"])
            case .ends(let ends, let askedAt):
                areEndsAsked = false
                for shard in foldingShards {
                    guard let end = ends[shard.partition] else { continue }
                    shard.fold.learnedEnd(end, askedAt: askedAt)
                }
            case .endsUnknown:
                areEndsAsked = false
            }
        }
    }

    private func commit(now: UnixTime, force: Bool = false) throws {
        let interval = configuration.commitInterval.milliseconds
        if let last = committedAt, !force, last <= now, last + interval > now { return }
        committedAt = now
        var positions: [KafkaPosition] = []
        for shard in foldingShards where shard.isAssigned {
            let offset = shard.acknowledged
            guard offset > shard.committed else { continue }
            shard.committed = offset
            positions.append(KafkaPosition(partition: shard.partition, offset: offset))
        }
        guard !positions.isEmpty else { return }
        do {
            try consumer.commit(positions)
        } catch {
            logger.debug("offsets not committed", metadata: ["error": "\(error)"])
            commitAgain(positions)
        }
    }

    /// Lets the next commit say again what this one did not achieve; an idle shard would otherwise
    /// show lag for ever. Letters are not sent twice by it: no fold reads below its coverage.
    private func commitAgain(_ positions: [KafkaPosition]) {
        for position in positions {
            guard let shard = shards[position.partition]?.folding,
                shard.committed == position.offset
            else { continue }
            shard.committed = position.offset - 1
        }
    }

    /// After the last record: what HQ has not got is pushed, within a limit, and committed.
    private func drain() throws {
        let limit = WallClock.now() + configuration.drainTimeout.milliseconds
        while WallClock.now() < limit {
            takeHeadquartersAnswers(now: WallClock.now())
            try letters.settle()
            let isDone = foldingShards.allSatisfy { $0.acknowledged >= $0.fold.coverage }
            if isDone { break }
            for index in links.indices { push(to: index, now: WallClock.now()) }
            _ = consumer.poll(maxRecords: 1, timeoutMs: Self.pollMs) { _, _ in
            } onEvent: { _ in
            }
        }
        try commit(now: WallClock.now(), force: true)
    }

    private func report(now: UnixTime) {
        if let last = reportedAt, last <= now, last + Self.reportMilliseconds > now { return }
        reportedAt = now
        var counters = ShardCounters()
        for shard in foldingShards {
            let own = shard.fold.counters.summary
            counters.applied += own.applied
            counters.duplicate += own.duplicate
            counters.late += own.late
            counters.rejected += own.rejected
            counters.control += own.control
        }
        logger.info(
            "folding",
            metadata: [
                "shards": "\(foldingShards.count)", "consumed": "\(counters.consumed)",
                "applied": "\(counters.applied)", "duplicate": "\(counters.duplicate)",
                "late": "\(counters.late)", "rejected": "\(counters.rejected)",
                "control": "\(counters.control)", "dead_letters": "\(letters.acknowledged)",
                "dead_letters_refused": "\(letters.failed)",
            ])
    }
}

extension Duration {
    /// In whole milliseconds.
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
