import CivilTime
import DeltaProtocol
import Federation
import Testing

@Suite struct StoreRetentionTests {
    private let now = Merge.now
    private let present = Merge.present

    @Test func `25 h that end with the present minute, and six to come`() {
        let range = StoreRetention.minutes(now: now, observedThrough: [nil])
        #expect(range == Merge.minute(1_499)...Merge.minute(-6))
        #expect(range.count == Limits.retainedMinutes + Limits.futureMinutes)
    }

    @Test func `the keys of a minute expire as it leaves the retention`() {
        let expiry = StoreRetention.expiry(of: present)
        #expect(expiry == Int64(present.number) * 60 + 25 * 3_600)
        let last = StoreRetention.minutes(
            now: UnixTime(milliseconds: expiry * 1_000 - 1), observedThrough: [])
        #expect(last.contains(present))
        let next = StoreRetention.minutes(now: UnixTime(seconds: expiry), observedThrough: [])
        #expect(next.lowerBound == present.advanced(by: 1))
    }

    @Test func `a clock of HQ's that runs ahead forgets nothing that shards still send`() {
        let behind = StoreRetention.minutes(
            now: now, observedThrough: [nil, now - 3_600_000, now - 7_200_000])
        #expect(behind == Merge.minute(1_499 + 60)...Merge.minute(-6))
    }

    @Test func `a clock of HQ's that runs behind takes what shards have seen`() {
        let ahead = StoreRetention.minutes(now: now, observedThrough: [now + 3_600_000])
        #expect(ahead == Merge.minute(1_499)...Merge.minute(-66))
    }

    @Test(arguments: [Int64.min, Int64.max])
    func `an absurd time widens the range by a day at most`(milliseconds: Int64) {
        let range = StoreRetention.minutes(
            now: now, observedThrough: [UnixTime(milliseconds: milliseconds)])
        let widest = StoreRetention.widest(now: now)
        #expect(range.lowerBound >= widest.lowerBound)
        #expect(range.upperBound <= widest.upperBound)
        #expect(widest.count < 4_600)
    }

    @Test func `a usual second-old proof changes nothing`() {
        #expect(
            StoreRetention.minutes(now: now, observedThrough: [now - 1_000]) == Merge.retention)
    }
}
