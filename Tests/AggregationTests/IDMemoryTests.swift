import Aggregation
import Testing

@Suite struct IDMemoryTests {
    private static func hash(_ id: UInt64) -> IDHash {
        var random = SplitMix64(state: id)
        return IDHash(low: random.next() & 0x7FF, high: random.next())
    }

    /// Low words collide on purpose: 2,048 of them for 6,000 ids.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func answersLikeADictionaryOfSightings(seed: UInt64) {
        var random = SplitMix64(state: seed)
        var memory = IDMemory()
        var sightings: [UInt64: (minute: Int32, content: UInt32)] = [:]
        var minute = Int32.random(in: -5_000...5_000, using: &random)
        for _ in 0..<60_000 {
            if Int.random(in: 0..<50, using: &random) == 0 {
                let jump: Int32 = Int.random(in: 0..<40, using: &random) == 0 ? 5_000 : 20
                minute += Int32.random(in: 0...jump, using: &random)
            }
            memory.advance(to: minute)
            let id = UInt64.random(in: 0..<6_000, using: &random)
            let content = UInt32.random(in: 0..<2, using: &random)
            let expected: IDMemory.Sighting
            if let last = sightings[id], minute - last.minute <= IDMemory.horizonMinutes {
                expected = last.content == content ? .repeated : .conflicting
                sightings[id] = (minute, last.content)
            } else {
                expected = .fresh
                sightings[id] = (minute, content)
            }
            let peeked = memory.peek(Self.hash(id), contentCheck: content, at: minute)
            let seen = memory.sight(Self.hash(id), contentCheck: content)
            guard peeked == expected, seen == expected else {
                Issue.record("seed \(seed): \(peeked), \(seen) instead of \(expected)")
                return
            }
        }
    }

    @Test func forgetsAfterTwentyFiveHoursAndTenMinutesOfLogTime() {
        for (age, expected) in [(1_510, IDMemory.Sighting.repeated), (1_511, .fresh)] {
            var memory = IDMemory()
            memory.advance(to: 29_000_000)
            let first = memory.sight(Self.hash(1), contentCheck: 0)
            memory.advance(to: 29_000_000 + Int32(age))
            let second = memory.sight(Self.hash(1), contentCheck: 0)
            #expect(first == .fresh)
            #expect(second == expected)
        }
    }

    @Test func aRepeatIsASightingToo() {
        var memory = IDMemory()
        for step in 0..<10 as Range<Int32> {
            memory.advance(to: 100 + step * 1_500)
            let sighting = memory.sight(Self.hash(1), contentCheck: 0)
            #expect(sighting == (step == 0 ? .fresh : .repeated))
        }
    }

    @Test func withoutForgettingAnIDIsKnownForEver() {
        var memory = IDMemory(forgets: false)
        for id in 0..<100_000 as Range<UInt64> {
            var random = SplitMix64(state: id)
            _ = memory.sight(IDHash(low: random.next(), high: random.next()), contentCheck: 0)
        }
        for id in 0..<100_000 as Range<UInt64> {
            var random = SplitMix64(state: id)
            let hash = IDHash(low: random.next(), high: random.next())
            let sighting = memory.sight(hash, contentCheck: 0)
            #expect(sighting == .repeated)
        }
    }

    @Test func memoryFollowsWhatIsRememberedNotWhatWasSeen() {
        var memory = IDMemory()
        for minute in 0..<20_000 as Range<Int32> {
            memory.advance(to: minute)
            for id in 0..<10 as Range<UInt64> {
                var random = SplitMix64(state: UInt64(minute) * 10 + id)
                _ = memory.sight(IDHash(low: random.next(), high: random.next()), contentCheck: 0)
            }
        }
        let capacity = memory.capacity
        #expect(capacity <= 65_536)
    }
}
