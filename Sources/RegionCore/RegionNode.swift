package import Aggregation
package import CivilTime
import DeltaProtocol
import Hashing
import Pacing

/// One node of a region. It covers the shards that the group assigned, from taking them over to
/// what HQ, the group and the dead-letter topic have acknowledged.
///
/// A state machine: events in, actions out; no I/O, no clock, no randomness of its own. Records
/// enter through `fold`, everything else through `handle`. Due work is done in `turn` events, so
/// send one every few milliseconds and after every batch of other events. One owner, any thread.
package struct RegionNode: ~Copyable {
    /// Questions without an answer are asked again after this long, in milliseconds.
    package static let askAgainMilliseconds: Int64 = 3_000

    let settings: RegionNodeSettings
    /// By partition.
    var shards: [Int32: RegionShard] = [:]
    /// The partitions that the group lets the node read.
    var held: Set<Int32> = []
    /// By HQ, in the order of the configuration.
    var links: [HeadquartersLink]
    var letters: LetterBox
    var commands = CommandBook()
    var random: SplitMix64
    /// How far the machine's clock is ahead of the node's, in milliseconds.
    var wallAhead: Int64 = 0

    /// True if the node reads nothing until dead letters are acknowledged.
    package internal(set) var isHeldBack = false
    /// True if the read positions changed since the last `read` action, and true if that is urgent.
    var isReadingStale = false
    var isReadingUrgent = false
    /// The open question for committed offsets, and its shards.
    var committedQuestion: (number: Int, partitions: Set<Int32>)?
    var committedFailedAt: UnixTime?
    /// The newest open questions for the partitions' ends, oldest first: a slow broker may answer
    /// one after the next was sent.
    var endsQuestions: [EndsQuestion] = []
    /// Records that retention removed before they could be compared.
    package internal(set) var uncomparable = 0
    var endsPace = Pace()
    private var commitPace = Pace()
    private var reportPace = Pace()
    /// When a stopping node gives up pushing the rest; nil while it is not stopping.
    private(set) var stoppingUntil: UnixTime?
    private var hasEnded = false
    /// By error code, when it was last logged.
    private var warnings: [Int32: Pace] = [:]
    private var lastQuestion = 0
    private var diversions: [Diversion] = []

    package init(_ settings: RegionNodeSettings) {
        self.settings = settings
        links = (0..<settings.headquarters).map { _ in HeadquartersLink() }
        letters = LetterBox(
            topic: settings.deadLetterTopic, lettersMax: settings.lettersMax)
        random = SplitMix64(seed: settings.seed)
    }

    /// The number of partitions that the node's log was declared with.
    package var partitionCount: Int32 { settings.partitionCount }

    /// The shard of a partition, if it folds.
    package func folding(_ partition: Int32) -> FoldingShard? { shards[partition]?.folding }

    /// Why a partition's shard was stopped; nil if it was not.
    package func alarm(_ partition: Int32) -> ShardJoin.Alarm? {
        if case .stopped(let alarm) = shards[partition]?.stage { alarm } else { nil }
    }

    /// The folding shards, by partition.
    package var foldingShards: [FoldingShard] {
        shards.keys.sorted().compactMap { shards[$0]?.folding }
    }

    // MARK: - Events

    /// Handles one event and appends the resulting actions.
    package mutating func handle(
        _ event: RegionEvent, at now: UnixTime, into actions: inout [RegionAction]
    ) {
        guard !hasEnded else { return }
        switch event {
        case .turn: turn(now, &actions)
        case .wallClock(let ahead): wallAhead = ahead
        case .assigned(let partitions): takeOver(partitions, &actions)
        case .revoked: giveBack()
        case .committed(let question, let offsets): learn(committed: offsets, question)
        case .committedUnknown(let question, let problem):
            committedUnknown(question, problem, now, &actions)
        case .commitFailed(let places, let problem): commitAgain(places, problem, &actions)
        case .endOfPartition(let place): reachedEnd(place)
        case .offsetOutOfRange(let place): rejoin(place, &actions)
        case .partitionFailed(let partition, let problem):
            actions.append(
                .note(
                    Note(
                        .warning, "cannot read the partition",
                        ["partition": "\(partition)", "error": problem])))
        case .clientFailed(let problem): clientFailed(problem, now, &actions)
        case .facts(let question, let facts, let isProducerStamped):
            learn(facts, isProducerStamped: isProducerStamped, question, &actions)
        case .factsUnknown(let question, let problem):
            factsUnknown(question, problem, now, &actions)
        case .ends(let question, let ends): learn(ends: ends, question, &actions)
        case .endsUnknown(let question): endsQuestions.removeAll { $0.number == question }
        case .record(let question, let facts): learn(facts, question, now, &actions)
        case .recordUnknown(let question, let problem):
            recordUnknown(question, problem, &actions)
        case .reply(let hq, let question, let reply, let isLast):
            take(reply, isLast: isLast, from: hq, question, now, &actions)
        case .statuses(let hq, let question, let statuses):
            take(statuses, from: hq, question, now, &actions)
        case .noAnswer(let hq, let question, let reason):
            noAnswer(reason, from: hq, question, now, &actions)
        case .letterAcknowledged(let token): letters.wasAcknowledged(token)
        case .letterRefused(let token, let isTooLarge, let problem):
            letters.wasRefused(
                token, isTooLarge: isTooLarge, problem: problem, into: &actions)
        case .published(let id, let place):
            commands.note(
                .published(partition: place.partition, offset: place.offset), of: id)
        case .publishingFailed(let id, let problem): publishingFailed(id, problem, &actions)
        case .stop: stop(now, &actions)
        }
    }

    private mutating func turn(_ now: UnixTime, _ actions: inout [RegionAction]) {
        if let limit = stoppingUntil { return drain(until: limit, now, &actions) }
        if letters.isFull != isHeldBack {
            isHeldBack = letters.isFull
            isReadingStale = true
            isReadingUrgent = true
        }
        raiseFloors(now)
        join(now, &actions)
        askRecords(now, &actions)
        askCommitted(now, &actions)
        // Each new assignment discards prefetched records, so wait for shards whose committed
        // offsets are on their way, unless the node must stop reading another shard.
        if isReadingStale, isReadingUrgent || committedQuestion == nil { read(&actions) }
        askEnds(now, &actions)
        for hq in links.indices { push(to: hq, now, &actions) }
        if commitPace.take(every: settings.commitMilliseconds, at: now) { commit(&actions) }
        if reportPace.take(every: Self.reportMilliseconds, at: now) { report(&actions) }
    }

    /// The number of the next question.
    mutating func numbered() -> Int {
        lastQuestion += 1
        return lastQuestion
    }

    mutating func end(_ reason: NodeEnd, _ actions: inout [RegionAction]) {
        hasEnded = true
        actions.append(.end(reason))
    }

    /// librdkafka reports every failed connection here, and reconnects by itself.
    private mutating func clientFailed(
        _ problem: ClientProblem, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        // A stopping node has little left to do, and does as much of it as it can.
        guard stoppingUntil != nil || !problem.isFatal && !problem.isAuthorization else {
            return end(.client(problem), &actions)
        }
        let isDue = warnings[problem.code, default: Pace()]
            .take(every: Self.reportMilliseconds, at: now)
        if isDue { actions.append(.note(Note(.warning, "kafka", ["error": problem.text]))) }
    }

    // MARK: - Records

    /// Folds the next records of a partition, in offset order. The node reads their bytes only
    /// during this call. The driver needs them again for its actions, because letters are made of
    /// these records.
    ///
    /// - Parameter areProducerStamped: true if any of them carries its producer's timestamp.
    package mutating func fold(
        _ records: UnsafeBufferPointer<LogRecord>, of partition: Int32, areProducerStamped: Bool,
        into actions: inout [RegionAction]
    ) {
        guard !hasEnded, stoppingUntil == nil, let shard = shards[partition]?.folding else {
            return
        }
        // Checked for each batch, because the topic's setting may change meanwhile.
        if areProducerStamped, settings.requiresBrokerStamps {
            return end(.producerStamps, &actions)
        }
        diversions.removeAll(keepingCapacity: true)
        unsafe shard.fold.fold(records, into: &diversions)
        guard !shard.fold.hasForeignRecord else {
            return stop(partition, .foreignRecord, &actions)
        }
        keepWithinBounds(shard, &actions)
        guard !diversions.isEmpty else { return }
        var at = 0
        for diversion in diversions where diversion.offset >= shard.committed {
            while at < records.count, unsafe records[at].offset < diversion.offset { at += 1 }
            guard at < records.count, unsafe records[at].offset == diversion.offset else {
                continue
            }
            let bytes = unsafe records[at].value?.count ?? 0
            send(diversion, valueBytes: bytes, of: shard, &actions)
        }
    }

    private mutating func send(
        _ diversion: Diversion, valueBytes: Int, of shard: FoldingShard,
        _ actions: inout [RegionAction]
    ) {
        let letter = Letter(
            token: letters.nextToken(),
            place: PartitionOffset(partition: shard.partition, offset: diversion.offset),
            cause: diversion.cause)
        shard.unacknowledgedLetters.append(diversion.offset)
        letters.add(
            LetterBox.UnderWay(
                letter: letter, shard: shard, valueBytes: min(valueBytes, Letter.valueBytes)))
        actions.append(.sendLetter(letter))
    }

    // MARK: - The end

    /// The node folds nothing from now on, so it ignores further reports of the consumer: the end
    /// of a partition would cover records that were discarded.
    private mutating func stop(_ now: UnixTime, _ actions: inout [RegionAction]) {
        guard stoppingUntil == nil else { return }
        stoppingUntil = now + settings.drainMilliseconds
        actions.append(.read([]))
    }

    private func reachedEnd(_ place: PartitionOffset) {
        guard stoppingUntil == nil else { return }
        shards[place.partition]?.folding?.fold.reachedEnd(at: place.offset)
    }

    /// Pushes, within a time limit, what HQ has not received, then commits.
    private mutating func drain(
        until limit: UnixTime, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        let isDone = foldingShards.allSatisfy { $0.acknowledged >= $0.fold.coverage }
        // A clock that jumped back must not keep a stopping node running.
        guard isDone || now >= limit || now < limit - settings.drainMilliseconds else {
            for hq in links.indices { push(to: hq, now, &actions) }
            return
        }
        commit(&actions)
        end(.stopped, &actions)
    }

    // MARK: - Reports

    /// How often the node logs its counters, in milliseconds.
    private static let reportMilliseconds: Int64 = 30_000

    private func report(_ actions: inout [RegionAction]) {
        var counters = ShardCounters()
        let folding = foldingShards
        for shard in folding {
            let own = shard.fold.counters.summary
            counters.applied += own.applied
            counters.duplicate += own.duplicate
            counters.late += own.late
            counters.rejected += own.rejected
            counters.control += own.control
        }
        actions.append(
            .note(
                Note(
                    .info, "folding",
                    [
                        "shards": "\(folding.count)", "consumed": "\(counters.consumed)",
                        "applied": "\(counters.applied)", "duplicate": "\(counters.duplicate)",
                        "late": "\(counters.late)", "rejected": "\(counters.rejected)",
                        "control": "\(counters.control)", "dead_letters": "\(letters.acknowledged)",
                        "dead_letters_refused": "\(letters.refused)",
                        "uncomparable_records": "\(uncomparable)",
                    ])))
    }
}
