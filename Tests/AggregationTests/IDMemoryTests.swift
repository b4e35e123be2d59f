import Aggregation
import Hashing
import Testing

@Suite struct IDMemoryTests {
    private static func hash(_ id: UInt64) -> IDHash {
        var random = SplitMix64(seed: id)
        return IDHash(low: random.next() & 0x7FF, high: random.next())
    }

    /// Low words collide on purpose: 6,000 ids share 2,048 of them.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func answersLikeADictionaryOfSightings(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var memory = IDMemory()
        var sightings: [UInt64: (minute: Int32, content: UInt32)] = [:]
        var present = Int32.random(in: 20_000_000...30_000_000, using: &random)
        for _ in 0..<60_000 {
            if Int.random(in: 0..<50, using: &random) == 0 {
                let jump: Int32 = Int.random(in: 0..<40, using: &random) == 0 ? 5_000 : 20
                present += Int32.random(in: 0...jump, using: &random)
                // No later stamp can need these.
                memory.free(through: present - 4_000)
            }
            let id = UInt64.random(in: 0..<6_000, using: &random)
            let content = UInt32.random(in: 0..<2, using: &random)
            // Stamps are out of order, minutes before and after them.
            let liveAfter = present - Int32.random(in: 1_500...3_000, using: &random)
            let minute = liveAfter + Int32.random(in: 1...1_505, using: &random)
            let expected: IDMemory.Sighting
            let known = sightings[id]
            if let known, known.minute > liveAfter {
                expected = known.content == content ? .repeated : .conflicting
                sightings[id] = (max(minute, known.minute), known.content)
            } else {
                expected = .fresh
                sightings[id] = (max(minute, known?.minute ?? 0), content)
            }
            let seen = memory.sight(
                Self.hash(id), contentCheck: content, minute: minute, liveAfter: liveAfter)
            guard seen == expected else {
                Issue.record("seed \(seed): \(seen) instead of \(expected)")
                return
            }
        }
    }

    @Test func anIDIsLiveForRecordsStampedUpTo25HoursAfterItsMinute() {
        for (liveAfter, expected) in [
            (28_999_999, IDMemory.Sighting.repeated), (29_000_000, .fresh),
        ] {
            var memory = IDMemory()
            _ = memory.sight(Self.hash(1), contentCheck: 0, minute: 29_000_000, liveAfter: 0)
            let second = memory.sight(
                Self.hash(1), contentCheck: 0, minute: 29_000_010, liveAfter: Int32(liveAfter))
            #expect(second == expected)
        }
    }

    /// The greatest minute counts, whatever the order of the sightings.
    @Test(arguments: [[100, 2_000, 500], [2_000, 100, 500], [500, 100, 2_000]])
    func theGreatestMinuteCounts(minutes: [Int32]) {
        var memory = IDMemory()
        for minute in minutes {
            _ = memory.sight(Self.hash(1), contentCheck: 0, minute: minute, liveAfter: 0)
        }
        let sighting = memory.sight(
            Self.hash(1), contentCheck: 0, minute: 2_100, liveAfter: 1_999)
        #expect(sighting == .repeated)
    }

    @Test func withoutForgettingAnIDIsKnownForEver() {
        var memory = IDMemory(forgets: false)
        for round in 0..<2 {
            for id in 0..<100_000 as Range<UInt64> {
                var random = SplitMix64(seed: id)
                let hash = IDHash(low: random.next(), high: random.next())
                let sighting = memory.sight(hash, contentCheck: 0, minute: 0, liveAfter: 0)
                #expect(sighting == (round == 0 ? .fresh : .repeated))
            }
        }
    }

    @Test func memoryFollowsWhatIsKeptNotWhatWasSeen() {
        var memory = IDMemory()
        for minute in 0..<20_000 as Range<Int32> {
            memory.free(through: minute - 1_620)
            for id in 0..<10 as Range<UInt64> {
                var random = SplitMix64(seed: UInt64(minute) * 10 + id)
                _ = memory.sight(
                    IDHash(low: random.next(), high: random.next()), contentCheck: 0,
                    minute: minute, liveAfter: minute - 1_500)
            }
        }
        let capacity = memory.capacity
        #expect(capacity <= 65_536)
    }
}
