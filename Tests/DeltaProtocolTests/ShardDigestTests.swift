import CivilTime
import DeltaProtocol
import Money
import Testing

@Suite struct ShardDigestTests {
    private static let currencies = ["EUR", "JPY", "USD"].compactMap { Currency(code: $0) }

    /// Forty different buckets.
    private static let buckets: [Bucket] = (0..<40).map { number in
        let value = BucketValue(
            settled: Int64(number) * 1_000_003 - 9, transfers: Int64(number + 1),
            correction: Int64(number % 5) - 2)
        return Bucket(
            minute: Minute(29_456_210 - Int32(number / 3)), currency: currencies[number % 3],
            value: value)
    }

    private static func digest(_ buckets: some Sequence<Bucket>) -> ShardDigest {
        var digest = ShardDigest()
        for bucket in buckets { digest.add(bucket, isLate: false) }
        return digest
    }

    @Test func `only the empty set digests to zero`() {
        #expect(Self.digest([]) == ShardDigest(high: 0, low: 0))
        for bucket in Self.buckets { #expect(Self.digest([bucket]) != ShardDigest()) }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `the order of buckets does not matter`(seed: UInt64) {
        var shuffled = Self.buckets
        // A linear congruential generator is random enough for a shuffle.
        var state = seed &+ 1
        for place in shuffled.indices.reversed() {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            shuffled.swapAt(place, Int(state >> 33) % (place + 1))
        }
        #expect(shuffled != Self.buckets)
        #expect(Self.digest(shuffled) == Self.digest(Self.buckets))
    }

    @Test func `both ways to add a bucket give the same digest`() {
        var digest = ShardDigest()
        for bucket in Self.buckets {
            digest.add(
                minute: bucket.minute, currency: bucket.currency, value: bucket.value,
                isLate: false)
        }
        #expect(digest == Self.digest(Self.buckets))
    }

    @Test func `a zero bucket does not count, one whose fields cancel out does`() {
        let place = Self.buckets[0]
        var zero = place
        zero.value = .zero
        #expect(Self.digest(Self.buckets + [zero]) == Self.digest(Self.buckets))
        zero.value = BucketValue(settled: 5, transfers: 0, correction: -5)
        #expect(Self.digest(Self.buckets + [zero]) != Self.digest(Self.buckets))
        zero.value = BucketValue(settled: 0, transfers: 1, correction: 0)
        #expect(Self.digest(Self.buckets + [zero]) != Self.digest(Self.buckets))
    }

    @Test func `a change of any field of any bucket changes the digest`() {
        let changes: [(inout Bucket) -> Void] = [
            { $0.minute = $0.minute.advanced(by: 1) },
            { $0.minute = $0.minute.advanced(by: -1) },
            { $0.currency = Currency(code: "GBP") ?? $0.currency },
            { $0.value.settled += 1 }, { $0.value.settled = -$0.value.settled },
            { $0.value.transfers += 1 }, { $0.value.correction += 1 },
            { swap(&$0.value.settled, &$0.value.transfers) },
            { swap(&$0.value.settled, &$0.value.correction) },
            { swap(&$0.value.transfers, &$0.value.correction) },
        ]
        var seen: Set<ShardDigest> = [Self.digest(Self.buckets)]
        var expected = 1
        for place in Self.buckets.indices {
            for change in changes {
                var buckets = Self.buckets
                change(&buckets[place])
                guard buckets[place] != Self.buckets[place] else { continue }
                expected += 1
                seen.insert(Self.digest(buckets))
            }
            var fewer = Self.buckets
            fewer.remove(at: place)
            seen.insert(Self.digest(fewer))
            seen.insert(Self.digest(Self.buckets + [Self.buckets[place]]))
            expected += 2
        }
        #expect(seen.count == expected)
        #expect(expected > 400)
    }

    @Test func `swapping values between buckets changes the digest`() {
        var buckets = Self.buckets
        let first = buckets[3].value
        buckets[3].value = buckets[4].value
        buckets[4].value = first
        #expect(Self.digest(buckets) != Self.digest(Self.buckets))
    }
}
