import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Testing

/// Commit rounds that the test drives: each answer of the store is scripted.
@Suite struct CommitRoundTests {
    static let digest: ShardDigest = {
        var digest = ShardDigest()
        digest.add(Merge.bucket(3, Merge.eur, 50), isLate: false)
        return digest
    }()

    static func request(
        _ shards: [ShardDelta], outcomes: [CommandOutcome] = [],
        takes: Int = Limits.commandsPerReply
    ) -> DeltaRequest {
        DeltaRequest(
            foldVersion: Merge.version, region: Merge.region, node: "n1", sentAt: Merge.now,
            partitionCounts: [Merge.log: 12], shards: shards, outcomes: outcomes,
            commandsTaken: takes)
    }

    static func delta(partition: Int32 = 3, digest: ShardDigest? = nil) -> ShardDelta {
        var delta = Merge.delta(
            base: 0, coverage: 9, buckets: [Merge.bucket(3, Merge.eur, 50)])
        delta.partition = partition
        delta.digest = digest.map {
            .init(minutes: Merge.minute(59)...Merge.minute(0), digest: $0)
        }
        return delta
    }

    /// A round and its shared memory.
    struct Rig {
        var round: CommitRound
        var memory = CommitMemory()
        var now = Merge.now

        init(
            _ request: DeltaRequest, attempts: Int = 6,
            _ change: (inout CommitRound.Settings) -> Void = { _ in }
        ) {
            var settings = CommitRound.Settings(
                knownLogs: [Merge.log: 12], currentLog: Merge.log, comparesDigests: true)
            settings.bounds.attempts = attempts
            change(&settings)
            round = CommitRound(request, settings: settings, now: Merge.now)
        }

        mutating func tell(_ event: CommitRound.Event) -> CommitRound.Action {
            round.handle(event, at: now, memory: &memory)
        }
    }

    private static func reply(_ action: CommitRound.Action) -> [ShardOutcome]? {
        if case .answer(let reply) = action { reply.shards.map(\.outcome) } else { nil }
    }

    @Test("Repair, read, write, answer, in this order; the write expects the texts read")
    func order() {
        var rig = Rig(Self.request([Self.delta()]))
        #expect(rig.tell(.begun) == .repair([]))
        guard case .read(let questions) = rig.tell(.repaired) else {
            Issue.record("expected a read")
            return
        }
        #expect(questions.map(\.partition) == [3])
        let reading = ShardReading(watermark: Merge.stored(7).text)
        guard case .write(let step) = rig.tell(.read([reading])) else {
            Issue.record("expected a write")
            return
        }
        #expect(step.commits.map(\.expectedWatermark) == [Merge.stored(7).text])
        #expect(step.differences == GlobalDifference.sum(of: step.commits))
        #expect(Self.reply(rig.tell(.written)) == [.committed])
    }

    @Test("A shard that another writer changed is read again, up to the attempts limit")
    func conflicts() {
        var rig = Rig(Self.request([Self.delta(), Self.delta(partition: 4)]), attempts: 3)
        var action = rig.tell(.begun)
        var writes = 0
        while Self.reply(action) == nil {
            switch action {
            case .repair: action = rig.tell(.repaired)
            case .read(let questions):
                action = rig.tell(.read(questions.map { _ in ShardReading() }))
            case .write:
                writes += 1
                action = rig.tell(.conflicted)
            default:
                Issue.record("unexpected \(action)")
                return
            }
        }
        #expect(writes == 3)
        #expect(Self.reply(action) == [.refused(.store), .refused(.store)])
        #expect(rig.round.retries == 4)
    }

    @Test("The effects of a failed script are repaired once for all its shards")
    func torn() {
        var rig = Rig(Self.request([Self.delta(), Self.delta(partition: 4)]))
        _ = rig.tell(.begun)
        _ = rig.tell(.repaired)
        let torn = ShardReading(liveness: "\(ShardLiveness.torn) 1")
        guard case .repair(let minutes) = rig.tell(.read([torn, torn])) else {
            Issue.record("expected a repair")
            return
        }
        #expect(minutes.contains(Merge.minute(3)))
        guard case .write(let step) = rig.tell(.repaired) else {
            Issue.record("expected a write")
            return
        }
        #expect(step.commits.count == 2)
        // After its own script failed, the round also begins with a repair.
        guard case .repair = rig.tell(.failed) else {
            Issue.record("expected a repair")
            return
        }
    }

    @Test("If the store fails before the commits are written, there is no reply")
    func storeFails() {
        var rig = Rig(Self.request([Self.delta()]))
        _ = rig.tell(.begun)
        #expect(rig.tell(.storeFailed) == .giveUp)
    }

    @Test("A region that the store does not sum is refused without a read")
    func notSummed() {
        var rig = Rig(Self.request([Self.delta()])) { $0.isSummed = false }
        #expect(Self.reply(rig.tell(.begun)) == [.refused(.unknownLog)])
    }

    @Test("Groups are split before a read or script becomes too large")
    func groups() {
        let shards = (0..<4).map { Self.delta(partition: $0) }
        var rig = Rig(Self.request(shards)) {
            $0.bounds.hashesPerRead = 1
            $0.bounds.bucketsPerWrite = 2
        }
        var action = rig.tell(.begun)
        var reads = 0
        var writes: [Int] = []
        while Self.reply(action) == nil {
            switch action {
            case .repair: action = rig.tell(.repaired)
            case .read(let questions):
                reads += 1
                action = rig.tell(.read(questions.map { _ in ShardReading() }))
            case .write(let step):
                writes.append(step.commits.count)
                action = rig.tell(.written)
            default:
                Issue.record("unexpected \(action)")
                return
            }
        }
        #expect(reads == 4)
        #expect(writes == [2, 2])
        #expect(Self.reply(action)?.count == 4)
    }

    @Test("A large commit is written in steps, and restarts after another writer's change")
    func filling() throws {
        let delta = Merge.delta(
            base: 0, coverage: 9,
            buckets: (0..<5).reversed().map { Merge.bucket($0, Merge.eur, 50) })
        var rig = Rig(Self.request([delta])) { $0.bounds.bucketsPerWrite = 2 }
        _ = rig.tell(.begun)
        _ = rig.tell(.repaired)
        var action = rig.tell(.read([ShardReading()]))
        var texts: [String?] = []
        for end in [CommitRound.Event.written, .conflicted] {
            guard case .write(let step) = action else {
                Issue.record("expected a write")
                return
            }
            #expect(!step.isLast)
            texts.append(step.commits[0].liveness)
            action = rig.tell(end)
        }
        #expect(action == .repair([]))
        _ = rig.tell(.repaired)
        // Another writer is filling the shard: its sums are repaired first.
        let filling = ShardReading(liveness: "\(ShardLiveness.filling) x 1")
        guard case .repair(let minutes) = rig.tell(.read([filling])) else {
            Issue.record("expected a repair")
            return
        }
        #expect(minutes.contains(Merge.minute(3)))
        action = rig.tell(.repaired)
        var written = 0
        while case .write(let step) = action {
            written += 1
            texts.append(step.commits[0].liveness)
            action = rig.tell(.written)
        }
        #expect(written == 3)
        #expect(Set(texts).count == 5)
        #expect(Self.reply(action) == [.committed])
    }

    @Test("Only a log whose partition count changed is refused")
    func partitionCount() {
        let other = LogID(unchecked: "b")
        var second = Self.delta()
        second.log = other
        var request = Self.request([Self.delta(), second])
        request.partitionCounts[other] = 4
        var rig = Rig(request) {
            $0.knownLogs[other] = 12
            $0.fixedPartitions = [Merge.log: 6, other: 4]
        }
        _ = rig.tell(.begun)
        guard case .read(let questions) = rig.tell(.repaired) else {
            Issue.record("expected a read")
            return
        }
        #expect(questions.map(\.log) == [other])
        _ = rig.tell(.read([ShardReading()]))
        #expect(Self.reply(rig.tell(.written)) == [.refused(.partitionCount), .committed])
    }

    @Test("For a shard that is being filled only a whole delta is decided")
    func overFilling() {
        for (base, outcome) in [(0, .committed), (7, .behind)] as [(Int64, ShardOutcome)] {
            var delta = Self.delta()
            delta.base = base
            if base > 0 { delta.replaced = nil }
            var rig = Rig(Self.request([delta]))
            _ = rig.tell(.begun)
            _ = rig.tell(.repaired)
            let reading = ShardReading(
                watermark: Merge.stored(7).text, liveness: "\(ShardLiveness.filling) x 1")
            var action = rig.tell(.read([reading]))
            if case .repair = action { action = rig.tell(.repaired) }
            if case .write = action { action = rig.tell(.written) }
            #expect(Self.reply(action) == [outcome])
            if case .answer(let reply) = action {
                #expect(reply.shards.map(\.watermark) == [base == 0 ? 9 : 0])
            }
        }
    }

    @Test("At equal coverage a whole delta replaces an unfinished commit")
    func equalCoverageOverFilling() {
        var rig = Rig(Self.request([Self.delta()]))
        _ = rig.tell(.begun)
        _ = rig.tell(.repaired)
        let reading = ShardReading(
            watermark: Merge.stored(9).text, liveness: "\(ShardLiveness.filling) x 1")
        _ = rig.tell(.read([reading]))
        guard case .write(let step) = rig.tell(.repaired) else {
            Issue.record("expected a write")
            return
        }
        #expect(step.commits[0].changes.count == 1)
    }

    // MARK: - Audit

    /// Commits a delta with a digest over an empty store and returns the next action.
    private static func commit(_ rig: inout Rig) -> CommitRound.Action {
        _ = rig.tell(.begun)
        _ = rig.tell(.repaired)
        _ = rig.tell(.read([ShardReading()]))
        return rig.tell(.written)
    }

    private static let spoilt = StoredDigest(
        watermark: 9, claims: Merge.claims(2_000), digest: ShardDigest(high: 1, low: 1))

    @Test("Minutes that differ at equal coverage are requested; the second time it is drift")
    func audit() {
        var memory = CommitMemory()
        let equal = StoredDigest(
            watermark: 9, claims: Merge.claims(2_000), digest: Self.digest)
        for (found, drifts) in [
            (Self.spoilt, false), (Self.spoilt, true), (Self.spoilt, true), (equal, false),
            (Self.spoilt, false),
        ] {
            var rig = Rig(Self.request([Self.delta(digest: Self.digest)]))
            rig.memory = memory
            guard case .digest(Merge.shard, let minutes) = Self.commit(&rig) else {
                Issue.record("expected a digest")
                return
            }
            #expect(minutes == Merge.minute(59)...Merge.minute(0))
            guard case .answer(let reply) = rig.tell(.digested(found)) else {
                Issue.record("expected an answer")
                return
            }
            #expect(reply.shards.map(\.outcome) == [.committed])
            #expect(reply.shards.map(\.heal) == [found == equal ? nil : minutes])
            memory = rig.memory
            #expect(memory.audit.drifted(at: Merge.now) == (drifts ? [Merge.shard] : []))
            // The node may send all later digests to another HQ of the store.
            #expect(memory.audit.drifted(at: Merge.now + 300_000).isEmpty)
        }
        #expect(memory.audit.counters.compared == 5)
        #expect(memory.audit.counters.differences == 4)
    }

    @Test("Equal digests, other coverages, and a failing store do not change the reply")
    func auditFindsNothing() {
        let found: [CommitRound.Event] = [
            .digested(
                StoredDigest(watermark: 9, claims: Merge.claims(2_000), digest: Self.digest)),
            .digested(
                StoredDigest(watermark: 8, claims: Merge.claims(2_000), digest: ShardDigest())),
            .digested(
                StoredDigest(
                    watermark: 9, claims: Merge.claims(2_001), digest: ShardDigest())),
            .digested(nil), .storeFailed,
        ]
        for event in found {
            var rig = Rig(Self.request([Self.delta(digest: Self.digest)]))
            guard case .digest = Self.commit(&rig) else {
                Issue.record("expected a digest")
                return
            }
            #expect(Self.reply(rig.tell(event)) == [.committed])
        }
    }

    @Test("Comparisons delay a reply by at most half a second")
    func budget() {
        let shards = (0..<3).map { Self.delta(partition: $0, digest: Self.digest) }
        var rig = Rig(Self.request(shards))
        _ = rig.tell(.begun)
        _ = rig.tell(.repaired)
        _ = rig.tell(.read([ShardReading(), ShardReading(), ShardReading()]))
        guard case .digest = rig.tell(.written) else {
            Issue.record("expected a digest")
            return
        }
        rig.now = rig.now + 500
        #expect(Self.reply(rig.tell(.digested(nil)))?.count == 3)
    }
}
