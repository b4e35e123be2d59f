import CivilTime
import Testing

@Suite struct UnixTimeTests {
    @Test(
        arguments: [
            (0, 0), (59_999, 0), (60_000, 1), (-1, -1), (-60_000, -1), (-60_001, -2),
            (1_774_445_101_000, 29_574_085), (.max, Int32.max), (.min, Int32.min),
        ] as [(Int64, Int32)])
    func `a minute is rounded down and clamped`(milliseconds: Int64, minute: Int32) {
        #expect(UnixTime(milliseconds: milliseconds).minute == Minute(minute))
    }

    @Test func `arithmetic saturates at both ends`() {
        let first = UnixTime(milliseconds: .min)
        let last = UnixTime(milliseconds: .max)
        #expect(last + 1 == last)
        #expect(first + -1 == first)
        #expect(first - 1 == first)
        #expect(last - -1 == last)
        #expect(last - .min == last)
        #expect(first + .min == first)
        #expect(first + .max == UnixTime(milliseconds: -1))
        #expect(UnixTime(seconds: 2) + 500 == UnixTime(milliseconds: 2_500))
        #expect(UnixTime(seconds: 2) - 500 == UnixTime(milliseconds: 1_500))
    }

    @Test func `minutes count, order and saturate`() {
        #expect(Minute(5).distance(to: Minute(-5)) == -10)
        #expect(Minute(5).advanced(by: -10) == Minute(-5))
        #expect(Minute(.max).advanced(by: 1) == Minute(.max))
        #expect(Minute(.min).advanced(by: -1) == Minute(.min))
        #expect(Minute(29_574_085).start == UnixTime(seconds: 1_774_445_100))
        #expect(Minute(-1).start.minute == Minute(-1))
    }
}
