import Aggregation
import CivilTime
import DeltaProtocol
import Hashing
import Money
import Testing

@Suite struct MinuteRingTests {
    private struct Key: Hashable {
        var minute: Minute
        var currency: Currency
    }

    /// A ring without a floor chooses its dense minutes when it gets its first bucket.
    @Test func aCorrectionMayComeBeforeAnyTransfer() {
        var ring = MinuteRing()
        let minute = Minute(30_000_000)
        let currency = Currency.all[0]
        let isCorrected = ring.correct(by: 3, minute: minute, currency: currency, offset: 0)
        let isAdded = ring.add(amount: 5, minute: minute, currency: currency, offset: 1)
        #expect(isCorrected && isAdded)
        ring.raiseFloor(to: minute)
        let value = ring.value(minute: minute, currency: currency)
        #expect(value == BucketValue(settled: 5, transfers: 1, correction: 3))
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func holdsWhatADictionaryHolds(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var ring = MinuteRing()
        var model: [Key: (value: BucketValue, changed: Int64)] = [:]
        var present = Minute(Int32.random(in: -3_000...30_000_000, using: &random))
        var floor = present.advanced(by: -1_500)
        ring.raiseFloor(to: floor)
        let currencies = Currency.all.shuffled(using: &random).prefix(90)
        for offset in 0..<40_000 as Range<Int64> {
            present = present.advanced(by: Int.random(in: 0..<5, using: &random) / 4)
            if offset % 1_000 == 0 {
                floor = max(floor, present.advanced(by: -1_500))
                ring.raiseFloor(to: floor)
            }
            // Now and then a clock is days ahead.
            let isWild = Int.random(in: 0..<200, using: &random) == 0
            let minute = present.advanced(
                by: isWild
                    ? Int.random(in: 5..<9_000, using: &random)
                    : -Int.random(in: -5..<1_500, using: &random))
            let key = Key(
                minute: minute, currency: currencies.randomElement(using: &random) ?? currencies[0])
            let amount = Int64.random(in: 1...1 << 40, using: &random)
            var entry = model[key] ?? (.zero, -1)
            if Int.random(in: 0..<10, using: &random) == 0 {
                let fits = ring.correct(
                    by: -amount, minute: minute, currency: key.currency, offset: offset)
                #expect(fits)
                entry.value.correction -= amount
            } else {
                let isHeld = ring.add(
                    amount: amount, minute: minute, currency: key.currency, offset: offset)
                #expect(isHeld)
                entry.value.settled += amount
                entry.value.transfers += 1
            }
            entry.changed = offset
            model[key] = entry
        }
        floor = present.advanced(by: -1_499)
        ring.raiseFloor(to: floor)
        let retained = floor...Minute(.max)
        let count = ring.count
        #expect(count == model.keys.filter { $0.minute >= floor }.count)
        for base in [0, 1, 20_000, 39_000, 40_000] as [Int64] {
            let expected = model.filter { retained ~= $0.key.minute && $0.value.changed >= base }
                .map {
                    Bucket(minute: $0.key.minute, currency: $0.key.currency, value: $0.value.value)
                }
                .sorted(by: Bucket.precedes)
            let buckets = ring.buckets(changedSince: base, in: retained)
            #expect(buckets == expected, "seed \(seed), base \(base)")
        }
        var digest = ShardDigest()
        for bucket in ring.buckets(changedSince: 0, in: retained).shuffled(using: &random) {
            digest.add(bucket, isLate: false)
        }
        var digestOfRing = ShardDigest()
        ring.add(retained, to: &digestOfRing, areLate: false)
        #expect(digestOfRing == digest, "seed \(seed)")
    }

    @Test func minutesThatAreFarApartDoNotMeet() {
        let early = Minute(29_000_000)
        var ring = MinuteRing(floor: early)
        let euro = Currency.all[0]
        let later = early.advanced(by: MinuteRing.slots)
        _ = ring.add(amount: 5, minute: early, currency: euro, offset: 0)
        _ = ring.add(amount: 7, minute: later, currency: euro, offset: 1)
        let values = [early, later].map { ring.value(minute: $0, currency: euro).settled }
        #expect(values == [5, 7])
        ring.raiseFloor(to: early.advanced(by: 1))
        let isHeld = ring.add(amount: 5, minute: early, currency: euro, offset: 2)
        #expect(!isHeld)
        _ = ring.add(amount: 1, minute: later, currency: euro, offset: 3)
        let after = [early, later].map { ring.value(minute: $0, currency: euro).settled }
        #expect(after == [0, 8])
    }

    @Test func aBucketLoweredToZeroIsNamedOnlyWhereTheReaderMayHoldMore() {
        var ring = MinuteRing()
        let euro = Currency.all[0]
        let minute = Minute(29_000_000)
        _ = ring.correct(by: 5, minute: minute, currency: euro, offset: 3)
        _ = ring.correct(by: -5, minute: minute, currency: euro, offset: 4)
        let whole = ring.buckets(changedSince: 0, in: minute...minute)
        let changed = ring.buckets(changedSince: 4, in: minute...minute)
        #expect(whole.isEmpty)
        #expect(changed.map(\.value) == [.zero])
    }
}
