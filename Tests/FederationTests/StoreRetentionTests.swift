import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Testing

@Suite struct StoreRetentionTests {
    private let now = Merge.now
    private let present = Merge.present

    @Test func `the retention is 25 h up to the present minute, and a day ahead`() {
        #expect(StoreRetention.first(now: now) == Merge.minute(1_499))
        #expect(StoreRetention.near(now: now) == Merge.minute(1_499)...Merge.minute(-1_440))
    }

    @Test func `the keys of a minute expire as it leaves the retention`() {
        let expiry = StoreRetention.expiry(of: present)
        #expect(expiry == Int64(present.number) * 60 + 25 * 3_600)
        let last = StoreRetention.first(now: UnixTime(milliseconds: expiry * 1_000 - 1))
        #expect(last == present)
        let next = StoreRetention.first(now: UnixTime(seconds: expiry))
        #expect(next == present.advanced(by: 1))
    }
}

@Suite struct HeadquartersClockTests {
    private static func reading(_ wall: Int64, uptime: Int64) -> HeadquartersClock.Reading {
        HeadquartersClock.Reading(wall: Merge.now + wall, uptime: uptime)
    }

    @Test func `a clock that jumps ahead is trusted for a minute`() {
        var clock = HeadquartersClock()
        let before = clock.present(at: Self.reading(0, uptime: 5_000))
        clock.hear(Merge.now - 2_000, of: Merge.region, at: Self.reading(0, uptime: 5_000))
        // A second later the clock is set 60 h ahead.
        let jumped = clock.present(at: Self.reading(216_001_000, uptime: 6_000))
        let healed = clock.present(at: Self.reading(1_500, uptime: 6_500))
        #expect(before == Merge.now)
        #expect(jumped == Merge.now - 1_000 + HeadquartersClock.beliefMilliseconds)
        #expect(healed == Merge.now + 1_500)
    }

    @Test func `a delayed request does not set the present back`() {
        var clock = HeadquartersClock()
        clock.hear(Merge.now, of: Merge.region, at: Self.reading(0, uptime: 0))
        clock.hear(Merge.now - 600_000, of: Merge.region, at: Self.reading(0, uptime: 29_999))
        let kept = clock.present(at: Self.reading(29_999, uptime: 29_999))
        #expect(kept == Merge.now + 29_999)
        // A clock that was set back keeps reporting that time.
        clock.hear(Merge.now - 600_000, of: Merge.region, at: Self.reading(0, uptime: 30_000))
        let moved = clock.present(at: Self.reading(30_000, uptime: 30_000))
        #expect(moved == Merge.now - 600_000 + HeadquartersClock.beliefMilliseconds)
    }

    @Test func `the latest of the regions' clocks counts`() {
        var clock = HeadquartersClock()
        let other = RegionID(unchecked: "us-east")
        clock.hear(Merge.now - 3_600_000, of: Merge.region, at: Self.reading(0, uptime: 0))
        clock.hear(Merge.now - 10_000, of: other, at: Self.reading(0, uptime: 0))
        let present = clock.present(at: Self.reading(0, uptime: 0))
        #expect(present == Merge.now)
        let skewed = clock.skewed(at: Self.reading(0, uptime: 0))
        #expect(skewed == [Merge.region])
    }
}
