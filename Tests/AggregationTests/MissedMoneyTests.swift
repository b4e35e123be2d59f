import Aggregation
import CivilTime
import DeltaProtocol
import Hashing
import Identifiers
import Money
import Testing

/// Money that a node counted but no longer holds.
@Suite struct MissedMoneyTests {
    private static let eur = Currency(code: "EUR")!
    private static let usd = Currency(code: "USD")!
    private static let minute = Records.noon.minute

    private static func started(floor ago: Int) -> ShardFold {
        ShardFold(
            settings: Records.settings, start: FoldStart(floor: minute.advanced(by: -ago)))
    }

    private static func sums(_ missed: MissedMoney, since base: Int64) -> [[Int64]] {
        missed.sums(since: base).map {
            [Int64($0.currency.index), $0.value.settled, $0.value.transfers]
        }
    }

    @Test func aRecordOfAMinuteBelowTheFloorIsMissed() {
        var fold = Self.started(floor: 10)
        fold.fold(Records.transfer("a", "1"))
        fold.fold(Records.transfer("b", "20", at: Records.noon - 3_600_000))
        fold.fold(Records.transfer("c", "300", at: Records.noon - 7_200_000))
        let all = Self.sums(fold.missed, since: 0)
        let last = Self.sums(fold.missed, since: 2)
        let none = Self.sums(fold.missed, since: 3)
        #expect(all == [[Int64(Self.eur.index), 320, 2]])
        #expect(last == [[Int64(Self.eur.index), 300, 1]])
        #expect(none == [])
    }

    @Test func whatIsDroppedBeforeItWasPushedIsMissed() {
        var fold = Self.started(floor: 100)
        fold.fold(Records.transfer("a", "1", at: Records.noon - 90 * 60_000))
        fold.fold(Records.transfer("b", "20", at: Records.noon - 80 * 60_000))
        fold.fold(Records.transfer("c", "300"))
        // HQ has the first one only.
        fold.raiseFloor(to: Self.minute.advanced(by: -60), pushed: 1)
        let missed = Self.sums(fold.missed, since: 1)
        #expect(missed == [[Int64(Self.eur.index), 20, 1]])
        fold.raiseFloor(to: Self.minute.advanced(by: 1))
        let unchanged = Self.sums(fold.missed, since: 0)
        #expect(unchanged == missed)
    }

    @Test func aDeltaOfChangesTellsItOnce() throws {
        var fold = Self.started(floor: 10)
        fold.fold(Records.transfer("a", "1"))
        var push = ShardPush(log: ShardPushTests.log, partition: 0)
        push.join(
            ShardStatus(
                log: ShardPushTests.log, partition: 0, watermark: 1, claims: .all,
                foldVersion: Records.settings.version, fingerprint: nil), of: &fold)
        fold.fold(Records.transfer("b", "20", at: Records.noon - 3_600_000))
        let delta = try #require(push.delta(of: &fold, now: Records.noon, ahead: 0))
        #expect(delta.base == 1)
        #expect(
            delta.missed == [
                Bucket(
                    minute: Self.minute.advanced(by: -10), currency: Self.eur,
                    value: BucketValue(settled: 20, transfers: 1))
            ])
        push.answered(
            ShardReply(
                log: ShardPushTests.log, partition: 0, outcome: .committed, watermark: 2,
                claims: .all, fingerprint: nil), of: &fold)
        fold.fold(Records.transfer("c", "300"))
        let next = try #require(
            push.delta(of: &fold, now: Records.noon + 60_000, ahead: 0))
        #expect(next.missed == [])
        fold.shortenMissed(between: push.standings(isCaughtUp: false))
        let forgotten = Self.sums(fold.missed, since: 0)
        #expect(forgotten == [])
    }

    @Test func aDeltaOfTheWholeShardTellsNone() throws {
        var fold = Self.started(floor: 10)
        fold.fold(Records.transfer("b", "20", at: Records.noon - 3_600_000))
        var push = ShardPush(log: ShardPushTests.log, partition: 0)
        push.join(nil, of: &fold)
        let delta = try #require(push.delta(of: &fold, now: Records.noon, ahead: 0))
        #expect(delta.base == 0)
        #expect(delta.missed == [])
    }

    /// Shortening the list does not change the sums since any possible watermark.
    @Test(arguments: [UInt64](1...20))
    func aLongListIsShortenedWithoutLoss(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let offsets: [Int64] = [3_000, 9_000, 9_500]
        var missed = MissedMoney()
        var naive: [(offset: Int64, currency: Currency, settled: Int64)] = []
        for step in 0..<12_000 {
            let offset = Int64.random(in: 0...12_000, using: &random)
            let currency = Bool.random(using: &random) ? Self.eur : Self.usd
            let amount = Int64.random(in: 1...1_000, using: &random)
            missed.add(settled: amount, transfers: 1, of: currency, offset: offset)
            naive.append((offset, currency, amount))
            if step % 1_000 == 999 { missed.shorten(between: offsets) }
        }
        for base in offsets {
            let found = missed.sums(since: base)
            for currency in [Self.eur, Self.usd] {
                let right = naive.filter { $0.offset >= base && $0.currency == currency }
                let value = found.first { $0.currency == currency }?.value
                #expect(value?.settled == right.reduce(0) { $0 + $1.settled }, "seed \(seed)")
                #expect(value?.transfers == Int64(right.count), "seed \(seed)")
            }
        }
    }

    @Test func sumsStopAtTheGreatestThatADeltaCanSay() {
        var missed = MissedMoney()
        for offset in 0..<3 {
            missed.add(
                settled: Limits.sumMagnitude - 1, transfers: 1, of: Self.eur,
                offset: Int64(offset))
        }
        let sums = Self.sums(missed, since: 0)
        #expect(sums == [[Int64(Self.eur.index), Limits.sumMagnitude, 3]])
    }
}
