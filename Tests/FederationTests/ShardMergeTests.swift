import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Testing

@Suite struct ShardMergeTests {
    @Test func `a first whole shard is committed with all its buckets`() throws {
        let delta = Merge.delta(
            base: 0, coverage: 10, idsFrom: 100,
            buckets: [Merge.bucket(2, Merge.eur, 500, 2, -100), Merge.bucket(2, Merge.usd, 7)],
            fingerprint: Fingerprint(offset: 8, timestamp: 5, crc: 9))
        let decision = Merge.decide(delta, stored: nil)
        #expect(
            decision.reply
                == ShardReply(
                    log: Merge.log, partition: 3, outcome: .committed, watermark: 10,
                    claims: Merge.claims(100),
                    fingerprint: Fingerprint(offset: 8, timestamp: 5, crc: 9)))
        let commit = try #require(decision.commit)
        #expect(commit.shard == Merge.shard)
        #expect(commit.expectedWatermark == nil)
        #expect(commit.expectedLiveness == nil)
        #expect(
            commit.watermark
                == Merge.stored(
                    10, idsFrom: 100, fingerprint: Fingerprint(offset: 8, timestamp: 5, crc: 9)
                ).text)
        #expect(
            commit.changes == [
                Merge.change(
                    2, Merge.eur, BucketValue(settled: 500, transfers: 2, correction: -100),
                    published: 400, transfers: 2),
                Merge.change(
                    2, Merge.usd, BucketValue(settled: 7, transfers: 1), published: 7,
                    transfers: 1),
            ])
        #expect(commit.late == [])
        #expect(commit.ignoredBuckets == 0)
    }

    @Test func `an unknown shard without base 0 is behind from the beginning`() {
        let decision = Merge.decide(Merge.delta(base: 1, coverage: 10), stored: nil)
        #expect(decision.reply.outcome == .behind)
        #expect(decision.reply.watermark == 0)
        #expect(decision.reply.claims == nil)
        #expect(decision.commit == nil)
    }

    @Test(arguments: [
        // Base, coverage, outcome at watermark 10.
        (0, 9, ShardOutcome.repeat), (9, 9, .repeat), (5, 8, .repeat),
        (11, 12, .behind), (11, 11, .behind), (12, 99, .behind),
        (10, 10, .committed), (0, 10, .committed), (4, 10, .committed),
        (10, 11, .committed), (0, 11, .committed), (3, 11, .committed), (9, 10, .committed),
    ])
    func `offsets decide`(base: Int64, coverage: Int64, outcome: ShardOutcome) {
        let decision = Merge.decide(
            Merge.delta(base: base, coverage: coverage), stored: Merge.stored(10))
        #expect(decision.reply.outcome == outcome)
        #expect((decision.commit != nil) == (outcome == .committed))
        #expect(decision.reply.watermark == (outcome == .committed ? max(coverage, 10) : 10))
    }

    @Test func `a named bucket replaces the stored one, and others stay`() throws {
        let old = [Merge.bucket(5, Merge.usd, 100, 3), Merge.bucket(4, Merge.usd, 40, 4)]
        let decision = Merge.decide(
            Merge.delta(base: 10, coverage: 12, buckets: [Merge.bucket(5, Merge.usd, 150, 5)]),
            stored: Merge.stored(10), old: old)
        let commit = try #require(decision.commit)
        #expect(
            commit.changes == [
                Merge.change(
                    5, Merge.usd, BucketValue(settled: 150, transfers: 5), published: 50,
                    transfers: 2)
            ])
        #expect(commit.expectedWatermark == Merge.stored(10).text)
    }

    @Test func `a bucket with its stored value changes nothing`() throws {
        let same = Merge.bucket(5, Merge.usd, 100, 3)
        let decision = Merge.decide(
            Merge.delta(base: 10, coverage: 12, buckets: [same]), stored: Merge.stored(10),
            old: [same])
        #expect(try #require(decision.commit).changes == [])
        #expect(decision.reply.watermark == 12)
    }

    @Test func `a zero value removes the bucket`() throws {
        let decision = Merge.decide(
            Merge.delta(base: 10, coverage: 12, buckets: [Merge.bucket(5, Merge.usd, 0, 0)]),
            stored: Merge.stored(10), old: [Merge.bucket(5, Merge.usd, 100, 3, 20)])
        #expect(
            try #require(decision.commit).changes == [
                Merge.change(5, Merge.usd, .zero, published: -120, transfers: -3)
            ])
    }

    @Test func `a whole shard removes buckets that it omits, from its ids-from on`() throws {
        let old = [
            Merge.bucket(101, Merge.usd, 1), Merge.bucket(100, Merge.eur, 2),
            Merge.bucket(50, Merge.eur, 3), Merge.bucket(50, Merge.usd, 4),
            Merge.bucket(1, Merge.jpy, 5),
        ]
        let decision = Merge.decide(
            Merge.delta(
                base: 0, coverage: 12, idsFrom: 100,
                buckets: [Merge.bucket(50, Merge.usd, 44)]),
            stored: Merge.stored(10, idsFrom: 500), old: old)
        let commit = try #require(decision.commit)
        #expect(
            commit.changes == [
                Merge.change(100, Merge.eur, .zero, published: -2, transfers: -1),
                Merge.change(50, Merge.eur, .zero, published: -3, transfers: -1),
                Merge.change(
                    50, Merge.usd, BucketValue(settled: 44, transfers: 1), published: 40,
                    transfers: 0),
                Merge.change(1, Merge.jpy, .zero, published: -5, transfers: -1),
            ])
        #expect(decision.reply.claims == Merge.claims(100))
    }

    @Test func `an equal coverage changes no bucket but updates the facts`() throws {
        let liveness = ShardLiveness(
            observedThrough: Merge.now - 9_000, receivedAt: Merge.now - 5_000, node: "old")
        let stored = Merge.stored(10)
        let decision = Merge.decide(
            Merge.delta(
                base: 0, coverage: 10, buckets: [Merge.bucket(5, Merge.usd, 1)],
                observedThrough: Merge.now - 1_000),
            stored: stored, old: [Merge.bucket(5, Merge.usd, 2)], liveness: liveness)
        let commit = try #require(decision.commit)
        #expect(commit.changes == [])
        #expect(commit.watermark == stored.text)
        #expect(commit.expectedLiveness == liveness.text)
        #expect(
            commit.liveness
                == ShardLiveness(
                    observedThrough: Merge.now - 1_000, receivedAt: Merge.now, node: "node-1"
                ).text)
    }

    @Test func `an equal coverage that knows earlier minutes in full is taken whole`() throws {
        let old = [Merge.bucket(300, Merge.usd, 2), Merge.bucket(5, Merge.eur, 9)]
        let decision = Merge.decide(
            Merge.delta(
                base: 0, coverage: 10, idsFrom: 400,
                buckets: [Merge.bucket(350, Merge.usd, 1), Merge.bucket(5, Merge.eur, 9)]),
            stored: Merge.stored(10, idsFrom: 200), old: old)
        let commit = try #require(decision.commit)
        #expect(decision.reply.claims == Merge.claims(400))
        #expect(commit.watermark == Merge.stored(10, idsFrom: 400).text)
        #expect(
            commit.changes == [
                Merge.change(
                    350, Merge.usd, BucketValue(settled: 1, transfers: 1), published: 1,
                    transfers: 1),
                Merge.change(300, Merge.usd, .zero, published: -2, transfers: -1),
            ])
    }

    @Test func `an equal coverage with a base does not replace earlier minutes`() throws {
        let decision = Merge.decide(
            Merge.delta(base: 10, coverage: 10, idsFrom: 400),
            stored: Merge.stored(10, idsFrom: 200))
        #expect(decision.reply.claims == Merge.claims(200))
        #expect(
            try #require(decision.commit).watermark == Merge.stored(10, idsFrom: 200).text)
    }

    @Test(arguments: [
        // The delta's and HQ's ids-from in minutes ago, base, and the result: ids-from,
        // values-from.
        (400, 200, 5, 200, 200), (200, 400, 5, 200, 200), (400, 200, 0, 400, 400),
        (200, 400, 0, 200, 200),
    ])
    func `claims after a commit`(
        theirs: Int, ours: Int, base: Int64, after: Int, values: Int
    ) {
        let decision = Merge.decide(
            Merge.delta(base: base, coverage: 20, idsFrom: theirs),
            stored: Merge.stored(10, idsFrom: ours))
        #expect(decision.reply.claims == Merge.claims(after, valuesFrom: values))
    }

    // MARK: - Minutes that a node does not know

    /// Before its ids-from a node has HQ's former values, with its own corrections.
    @Test(arguments: [0, 10] as [Int64])
    func `seeded values are not taken by an HQ that has as much`(base: Int64) throws {
        let seeded = [
            Merge.bucket(300, Merge.usd, 70, 7), Merge.bucket(250, Merge.usd, 5, 1, 9),
            Merge.bucket(50, Merge.usd, 6),
        ]
        let decision = Merge.decide(
            Merge.delta(
                base: base, coverage: 12, idsFrom: 100, valuesFrom: 400, seed: 8,
                buckets: seeded),
            stored: Merge.stored(10, idsFrom: 400),
            old: [
                Merge.bucket(300, Merge.usd, 80, 8), Merge.bucket(280, Merge.eur, 1),
                Merge.bucket(250, Merge.usd, 50, 5),
            ])
        let commit = try #require(decision.commit)
        #expect(
            commit.changes == [
                Merge.change(
                    250, Merge.usd, BucketValue(settled: 50, transfers: 5, correction: 9),
                    published: 9, transfers: 0),
                Merge.change(
                    50, Merge.usd, BucketValue(settled: 6, transfers: 1), published: 6,
                    transfers: 1),
            ])
        #expect(decision.reply.claims == Merge.claims(100, valuesFrom: 400))
    }

    @Test func `an HQ that has less takes the seed in whole`() throws {
        let seeded = [Merge.bucket(300, Merge.usd, 70, 7), Merge.bucket(50, Merge.usd, 6)]
        let delta = Merge.delta(
            base: 0, coverage: 12, idsFrom: 100, valuesFrom: 400, seed: 11, buckets: seeded)
        let decision = Merge.decide(
            delta, stored: Merge.stored(10, idsFrom: 200),
            old: [
                Merge.bucket(450, Merge.usd, 3), Merge.bucket(300, Merge.usd, 1),
                Merge.bucket(280, Merge.eur, 1),
            ])
        let changes = try #require(decision.commit).changes
        #expect(changes.map(\.minute) == [300, 280, 50].map(Merge.minute))
        #expect(changes.map(\.value.settled) == [70, 0, 6])
        #expect(decision.reply.claims == delta.claims)
        let first = ShardMerge.minutesToRead(delta, context: Merge.context()).buckets.first
        #expect(first == Merge.minute(400))
    }

    @Test func `a state decided with fewer ids replaces nothing`() {
        let decision = Merge.decide(
            Merge.delta(base: 0, coverage: 10, idsFrom: 400, short: 100),
            stored: Merge.stored(10, idsFrom: 200))
        #expect(decision.reply.outcome == .behind)
        #expect(decision.reply.watermark == 10)
        let healing = Merge.decide(
            Merge.delta(
                base: 10, coverage: 10, idsFrom: 400, short: 100, heals: 150...160),
            stored: Merge.stored(10, idsFrom: 400), old: [Merge.bucket(155, Merge.usd, 4)])
        #expect(healing.commit?.changes == [])
    }

    @Test func `a healing replaces its minutes at an equal coverage`() throws {
        let old = [
            Merge.bucket(170, Merge.usd, 9), Merge.bucket(155, Merge.usd, 4),
            Merge.bucket(153, Merge.eur, 4),
        ]
        let delta = Merge.delta(
            base: 10, coverage: 10, idsFrom: 400, heals: 150...160,
            buckets: [Merge.bucket(153, Merge.eur, 5)])
        let decision = Merge.decide(delta, stored: Merge.stored(10, idsFrom: 400), old: old)
        let commit = try #require(decision.commit)
        #expect(commit.changes.map(\.minute) == [155, 153].map(Merge.minute))
        #expect(commit.changes.map(\.value.settled) == [0, 5])
        #expect(commit.watermark == Merge.stored(10, idsFrom: 400).text)
        let minutes = ShardMerge.minutesToRead(delta, context: Merge.context())
        #expect(minutes.buckets == Array(Merge.minute(160)...Merge.minute(150)))
    }

    @Test func `an empty log heals foreign values in its buckets`() throws {
        let delta = Merge.delta(base: 0, coverage: 0)
        let commit = try #require(
            Merge.decide(
                delta, stored: Merge.stored(0, idsFrom: 3_000),
                old: [Merge.bucket(5, Merge.eur, 70, 1), Merge.bucket(2_100, Merge.usd, 9)]
            ).commit)
        #expect(
            commit.changes == [
                Merge.change(5, Merge.eur, .zero, published: -70, transfers: -1)
            ])
        // HQ's claims stay unchanged.
        #expect(commit.watermark == Merge.stored(0, idsFrom: 3_000).text)
    }

    @Test func `late money is absolute too, and not part of the sums`() throws {
        let decision = Merge.decide(
            Merge.delta(
                base: 0, coverage: 12, idsFrom: 100, late: [Merge.bucket(7, Merge.usd, 30)]),
            stored: Merge.stored(10),
            oldLate: [
                Merge.bucket(101, Merge.usd, 1), Merge.bucket(9, Merge.eur, 2),
                Merge.bucket(7, Merge.usd, 10),
            ])
        let commit = try #require(decision.commit)
        #expect(commit.changes == [])
        #expect(commit.late == [Merge.bucket(9, Merge.eur, 0, 0), Merge.bucket(7, Merge.usd, 30)])
    }

    @Test func `minutes that HQ does not retain are ignored and counted`() throws {
        let delta = Merge.delta(
            base: 0, coverage: 12,
            buckets: [
                Merge.bucket(1_500, Merge.usd, 1), Merge.bucket(1_499, Merge.usd, 2),
                Merge.bucket(-6, Merge.usd, 3), Merge.bucket(-7, Merge.usd, 4),
            ], late: [Merge.bucket(1_500, Merge.usd, 5)])
        let commit = try #require(Merge.decide(delta, stored: nil).commit)
        #expect(commit.changes.map(\.minute) == [1_499, -6, -7].map(Merge.minute))
        #expect(commit.late == [])
        #expect(commit.ignoredBuckets == 2)
    }

    @Test func `money of an expired minute is missed money of the minute of arrival`()
        throws
    {
        let old = [Merge.bucket(1_500, Merge.eur, 5, 2), Merge.bucket(0, Merge.usd, 7)]
        func missed(base: Int64, coverage: Int64 = 12) throws -> [Bucket] {
            let delta = Merge.delta(
                base: base, coverage: coverage, buckets: old,
                late: [Merge.bucket(1_501, Merge.usd, 30)],
                missed: base == 0
                    ? []
                    : [Merge.bucket(1_499, Merge.eur, 1), Merge.bucket(1_499, Merge.jpy, 9, 3)])
            return try #require(Merge.decide(delta, stored: Merge.stored(10)).commit).missed
        }
        #expect(
            try missed(base: 10) == [
                Merge.bucket(0, Merge.eur, 6, 3), Merge.bucket(0, Merge.jpy, 9, 3),
                Merge.bucket(0, Merge.usd, 30),
            ])
        // A hostile request must not overflow the sum.
        let lowest = (0..<5_000).map {
            Merge.bucket(8_000 - $0, Merge.usd, -Limits.sumMagnitude)
        }
        let hostile = Merge.delta(base: 10, coverage: 12, buckets: lowest)
        let commit = try #require(Merge.decide(hostile, stored: Merge.stored(10)).commit)
        #expect(commit.missed == [Merge.bucket(0, Merge.usd, 0, 5_000)])
        // The whole shard, and changes that HQ already has.
        #expect(try missed(base: 0) == [])
        #expect(try missed(base: 10, coverage: 10) == [])
    }

    @Test(arguments: [
        Merge.bucket(0, Merge.usd, -1), Merge.bucket(0, Merge.usd, 1, 1, 1),
    ])
    func `missed money that no fold can produce is malformed`(bucket: Bucket) {
        let delta = Merge.delta(base: 1, coverage: 2, missed: [bucket])
        #expect(
            Merge.decide(delta, stored: Merge.stored(1)).reply.outcome == .refused(.malformed))
        let whole = Merge.delta(base: 0, coverage: 2, missed: [Merge.bucket(0, Merge.usd, 1)])
        #expect(Merge.decide(whole, stored: nil).reply.outcome == .refused(.malformed))
    }

    @Test func `the minutes to read are those named, or all that a whole shard could remove`() {
        let named = Merge.delta(
            base: 1, coverage: 2,
            buckets: [
                Merge.bucket(1_500, Merge.usd, 1), Merge.bucket(5, Merge.eur, 1),
                Merge.bucket(5, Merge.usd, 1), Merge.bucket(2, Merge.usd, 1),
            ], late: [Merge.bucket(3, Merge.usd, 1)])
        #expect(
            ShardMerge.minutesToRead(named, context: Merge.context())
                == MinutesToRead(
                    buckets: [Merge.minute(5), Merge.minute(2)], late: [Merge.minute(3)]))
        let whole = Merge.delta(base: 0, coverage: 2, idsFrom: 3)
        let all = Array(Merge.minute(3)...Merge.minute(-6))
        #expect(
            ShardMerge.minutesToRead(whole, context: Merge.context())
                == MinutesToRead(buckets: all, late: all, beyond: Merge.minute(-7)))
        let everything = Merge.delta(base: 0, coverage: 2, idsFrom: 9_999)
        #expect(
            ShardMerge.minutesToRead(everything, context: Merge.context()).buckets.count == 1_506)
        let future = Merge.delta(base: 0, coverage: 2, idsFrom: -8)
        #expect(
            ShardMerge.minutesToRead(future, context: Merge.context())
                == MinutesToRead(buckets: [], late: [], beyond: Merge.minute(-8)))
    }

    @Test func `nothing is read for a delta that is refused in any case`() {
        let alternating = (0..<1_000).map { Merge.bucket($0 % 2, Merge.usd, 1) }
        let partition = Merge.context(logs: [Merge.log: 3])
        for base in [0, 1] as [Int64] {
            for delta in [
                Merge.delta(base: base, coverage: 2, buckets: alternating),
                Merge.delta(base: base, coverage: 2, late: alternating),
                Merge.delta(base: base, coverage: -1),
            ] {
                #expect(
                    ShardMerge.minutesToRead(delta, context: Merge.context())
                        == MinutesToRead(buckets: [], late: []))
            }
            let unknown = Merge.delta(
                base: base, coverage: 2, buckets: [Merge.bucket(5, Merge.usd, 1)])
            #expect(
                ShardMerge.minutesToRead(unknown, context: partition)
                    == MinutesToRead(buckets: [], late: []))
        }
    }

    @Test func `a shard named twice in one request is detected`() {
        var other = Merge.delta(base: 0, coverage: 1)
        other.partition = 4
        var otherLog = Merge.delta(base: 0, coverage: 1)
        otherLog.log = LogID(unchecked: "b")
        let same = Merge.delta(base: 1, coverage: 2)
        let first = Merge.delta(base: 0, coverage: 1)
        #expect(
            ShardMerge.isFirstOfItsShard([first, other, otherLog, same, other])
                == [true, true, true, false, false])
    }

    @Test func `a malformed watermark text means no shard, and the commit expects that text`() {
        let reading = ShardReading(watermark: "nonsense")
        let behind = ShardMerge.decide(
            Merge.delta(base: 5, coverage: 9), reading: reading, context: Merge.context())
        #expect(behind.reply.outcome == .behind)
        let whole = ShardMerge.decide(
            Merge.delta(base: 0, coverage: 9), reading: reading, context: Merge.context())
        #expect(whole.commit?.expectedWatermark == "nonsense")
    }

    @Test func `removing a shard removes everything stored, including late money and texts`() {
        let reading = ShardReading(
            watermark: Merge.stored(10).text, liveness: "torn x",
            buckets: [Merge.bucket(5, Merge.usd, 100, 3, -120), Merge.bucket(4, Merge.eur, 7)],
            late: [Merge.bucket(2, Merge.usd, 9, 2)])
        #expect(
            ShardMerge.removal(of: Merge.shard, reading: reading)
                == ShardCommit(
                    shard: Merge.shard, expectedWatermark: reading.watermark,
                    expectedLiveness: "torn x", watermark: nil, liveness: nil,
                    changes: [
                        Merge.change(5, Merge.usd, .zero, published: 20, transfers: -3),
                        Merge.change(4, Merge.eur, .zero, published: -7, transfers: -1),
                    ], late: [Merge.bucket(2, Merge.usd, 0, 0)]))
    }
}
