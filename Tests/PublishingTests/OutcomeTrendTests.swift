import CivilTime
import DeltaProtocol
import Federation
import Publishing
import Testing

/// Labels derived from a shard's record counters.
@Suite struct OutcomeTrendTests {
    private typealias Fixture = PublicationTests

    private static func counters(
        applied: Int64 = 0, rejected: Int64 = 0, late: Int64 = 0
    ) -> ShardCounters {
        var counters = ShardCounters()
        (counters.applied, counters.rejected, counters.late) = (applied, rejected, late)
        return counters
    }

    private static func standing(_ counters: ShardCounters, node: String = "n1") -> ShardStanding {
        var standing = Fixture.standing()
        (standing.counters, standing.node) = (counters, node)
        return standing
    }

    @Test(
        "Five records, and one in twenty, are labelled for ten minutes",
        arguments: [
            (95, 5, true), (96, 4, false), (96, 5, false), (0, 5, true), (0, 4, false),
        ] as [(Int64, Int64, Bool)])
    func threshold(applied: Int64, bad: Int64, isLabelled: Bool) {
        for isLate in [false, true] {
            var trend = OutcomeTrend()
            let now = Fixture.noon
            trend.take(Self.standing(Self.counters(applied: 1_000)), isCaughtUp: true, now: now)
            let next = Self.counters(
                applied: 1_000 + applied, rejected: isLate ? 0 : bad, late: isLate ? bad : 0)
            for second in 1...570 {
                trend.take(Self.standing(next), isCaughtUp: true, now: now + Int64(second) * 1_000)
                #expect(trend.isRejecting == (isLabelled && !isLate), "\(second)")
                #expect(trend.isLate == (isLabelled && isLate), "\(second)")
            }
            for second in 571...700 {
                trend.take(Self.standing(next), isCaughtUp: true, now: now + Int64(second) * 1_000)
            }
            #expect(!trend.isRejecting)
            #expect(!trend.isLate)
        }
    }

    @Test("Records that a node reads before it has caught up do not count")
    func joining() {
        var trend = OutcomeTrend()
        for (second, rejected) in [0, 50, 90].enumerated() {
            trend.take(
                Self.standing(Self.counters(rejected: Int64(rejected))), isCaughtUp: second == 2,
                now: Fixture.noon + Int64(second) * 1_000)
            #expect(!trend.isRejecting)
        }
        // Another node, or a restarted one, counts from the offset at which it started to read.
        for (counters, node) in [
            (Self.counters(rejected: 200), "n2"), (Self.counters(rejected: 20), "n2"),
        ] {
            trend.take(
                Self.standing(counters, node: node), isCaughtUp: true, now: Fixture.noon + 4_000)
            #expect(!trend.isRejecting)
        }
        trend.take(
            Self.standing(Self.counters(rejected: 25), node: "n2"), isCaughtUp: false,
            now: Fixture.noon + 5_000)
        #expect(trend.isRejecting)
    }

    @Test("The answer names the region")
    func named() {
        let publication = Publisher(settings: Fixture.settings())
        var standings = Fixture.both
        for (version, counters) in [
            Self.counters(applied: 100), Self.counters(applied: 100, rejected: 10, late: 10),
        ].enumerated() {
            standings[Fixture.shard(Fixture.eu)]?.counters = counters
            publication.take(
                Fixture.refresh(version: Int64(version + 1), standings: standings),
                now: Fixture.noon)
        }
        #expect(
            publication.totals(now: Fixture.noon)?.degradations == [
                Degradation(.rejecting, region: Fixture.eu),
                Degradation(.lateMoney, region: Fixture.eu),
            ])
    }
}
