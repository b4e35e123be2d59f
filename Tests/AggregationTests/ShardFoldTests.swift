import Aggregation
import CivilTime
import DeltaProtocol
import Money
import Testing

@Suite struct ShardFoldTests {
    static let noon = Records.noon
    static let minute = Records.noon.minute

    private static func started(_ start: FoldStart = FoldStart()) -> ShardFold {
        ShardFold(settings: Records.settings, start: start)
    }

    private static func rejected(_ fold: borrowing ShardFold, _ reason: RejectReason) -> Int64 {
        fold.counters.rejected[Int(reason.rawValue)]
    }

    private static func control(_ fold: borrowing ShardFold, _ outcome: ControlOutcome) -> Int64 {
        fold.counters.control[Int(outcome.rawValue)]
    }

    @Test func appliedTransfersAddUpInTheirMinute() {
        var fold = Self.started()
        fold.fold([
            Entry(Records.transfer("a", "100")), Entry(Records.transfer("b", "11")),
            Entry(Records.transfer("c", "7", at: Self.noon - 60_000)),
        ])
        let (now, before) = (
            Records.euro(Self.minute, in: fold),
            Records.euro(Self.minute.advanced(by: -1), in: fold)
        )
        #expect(now == BucketValue(settled: 111, transfers: 2))
        #expect(before == BucketValue(settled: 7, transfers: 1))
        let counters = fold.counters.summary
        #expect(counters.applied == 3)
        #expect(counters.consumed == 3)
        let coverage = fold.coverage
        #expect(coverage == 3)
    }

    @Test func recordsBelowTheCoverageAreSkipped() {
        var fold = Self.started()
        fold.fold(Records.transfer("a"))
        fold.fold([
            Entry(Records.transfer("b"), offset: 0), Entry(Records.transfer("c"), offset: 1),
        ])
        let value = Records.euro(Self.minute, in: fold)
        #expect(value.transfers == 2)
        let consumed = fold.counters.summary.consumed
        #expect(consumed == 2)
    }

    @Test func aRepeatCountsOnceAndAConflictIsDiverted() {
        var fold = Self.started()
        fold.fold(Records.transfer("a", "100"))
        let same = fold.fold(Records.transfer("a", "100"))
        let other = fold.fold(Records.transfer("a", "101"))
        let later = fold.fold(Records.transfer("a", "100", at: Self.noon + 1_000))
        let dollars = fold.fold(Records.transfer("a", "100", currency: "USD"))
        #expect(same.isEmpty)
        #expect(other == [Diversion(offset: 2, cause: .conflict)])
        #expect(later.map(\.cause) == [.conflict])
        #expect(dollars.map(\.cause) == [.conflict])
        let value = Records.euro(Self.minute, in: fold)
        #expect(value == BucketValue(settled: 100, transfers: 1))
        let counters = fold.counters.summary
        #expect(counters.duplicate == 4)
        #expect(counters.conflicts == 3)
        #expect(counters.consumed == 5)
    }

    /// Money with a wrong clock goes into a wrong minute and changes nothing else.
    @Test(arguments: [-30, -1, 6, 8, 20, 26, 30 * 24] as [Int64])
    func aWrongClockMovesItsOwnMoneyOnly(hours: Int64) {
        let wrong = Self.noon + hours * 3_600_000
        var fold = Self.started()
        var right = Self.started()
        right.fold(Records.transfer("a", "1"))
        fold.fold(Records.transfer("a", "1"))
        fold.fold(Records.transfer("wrong", "5", at: wrong), at: wrong)
        for index in 0..<50 {
            let entry = Records.transfer("t\(index)", at: Self.noon - Int64(index) * 1_000_000)
            right.fold(entry)
            fold.fold(entry)
        }
        let ahead = Records.euro(wrong.minute, in: fold)
        #expect(ahead.settled - Records.euro(wrong.minute, in: right).settled == 5)
        let (all, expected) = (fold.changes(since: 0), right.changes(since: 0))
        let others = all.buckets.filter { $0.minute != wrong.minute }
        #expect(others == expected.buckets.filter { $0.minute != wrong.minute })
        #expect(all.late == expected.late)
        let counters = fold.counters
        #expect(counters.applied == 52)
    }

    @Test func aBrokersClockThatIsBehindRejectsAndLaterMoneyCounts() {
        var fold = Self.started()
        let diverted = fold.fold(Records.transfer("a"), at: Self.noon - 600_000)
        fold.fold(Records.transfer("b"))
        #expect(diverted.map(\.cause) == [.rejected(.future)])
        let value = Records.euro(Self.minute, in: fold)
        #expect(value == BucketValue(settled: 100, transfers: 1))
    }

    @Test(
        arguments: [
            (946_684_799_999, false), (946_684_800_000, true),
            (7_289_654_399_999, true), (7_289_654_400_000, false), (Int64.max, false),
        ] as [(Int64, Bool)])
    func stampsAreOfTheYears2000To2200(stamp: Int64, isSound: Bool) {
        var fold = Self.started()
        let text = Records.transfer("a", at: UnixTime(milliseconds: 946_684_800_000))
        fold.fold([Entry(Array(text.utf8), timestamp: stamp)])
        let rejected = Self.rejected(fold, .timestamp)
        #expect(rejected == (isSound ? 0 : 1))
    }

    /// Before ids-from, a transfer cannot be distinguished from a repeat.
    @Test func moneyOfMinutesThatAreNotKnownIsKeptApart() {
        let known = Self.minute.advanced(by: -60)
        var fold = Self.started(FoldStart(offset: 10, idsFrom: known))
        fold.fold(Records.transfer("a", "5", at: known.start - 1_000))
        fold.fold(Records.transfer("b", "6", at: known.start))
        let changes = fold.changes(since: 0)
        #expect(changes.late.map(\.minute) == [known.advanced(by: -1)])
        #expect(changes.late.map(\.value.settled) == [5])
        #expect(changes.buckets.map(\.value.settled) == [6])
        let counters = fold.counters
        #expect(counters.late == 1)
        #expect(counters.unproven == 1)
    }

    @Test func fiveMinutesAheadIsTakenAndAMillisecondMoreIsNot() {
        var fold = Self.started()
        fold.fold(Records.transfer("a", at: Self.noon + 300_000), at: Self.noon)
        let late = Records.transfer("b", at: Self.noon + 300_000)
        fold.fold(late.replacing(":00Z", with: ":00.001Z"), at: Self.noon)
        let (applied, future) = (fold.counters.applied, Self.rejected(fold, .future))
        #expect(applied == 1)
        #expect(future == 1)
    }

    @Test func lateMoneyHasAnAccountOfItsOwn() {
        var fold = Self.started()
        fold.fold(Records.transfer("a"), at: Self.noon)
        let edge = Self.minute.advanced(by: -1_500).start
        fold.fold(Records.transfer("b", "5", at: edge), at: Self.noon)
        fold.fold(Records.transfer("c", "6", at: edge + 60_000), at: Self.noon)
        fold.fold(Records.transfer("b", "5", at: edge), at: Self.noon)
        let counters = fold.counters.summary
        #expect(counters.late == 1)
        #expect(counters.applied == 2)
        #expect(counters.duplicate == 1)
        let changes = fold.changes(since: 0)
        #expect(changes.late.map(\.minute) == [Self.minute])
        #expect(changes.late.map(\.value) == [BucketValue(settled: 5, transfers: 1)])
        #expect(changes.buckets.map(\.value.settled) == [6, 100])
    }

    @Test func aSumStaysWithinItsBounds() {
        var fold = Self.started()
        let most = Limits.sumMagnitude
        fold.fold(Records.transfer("a", "\(most - 10)"))
        let over = fold.fold(Records.transfer("b", "11"))
        fold.fold(Records.transfer("c", "10"))
        let huge = fold.fold(Records.transfer("d", "\(Int64.max)"))
        // A transfer that overflowed was still sighted.
        fold.fold(Records.transfer("b", "11", at: Self.noon + 60_000))
        // A repeat is a duplicate even if it would overflow the sum.
        fold.fold(Records.transfer("a", "\(most - 10)"))
        #expect(over.map(\.cause) == [.rejected(.overflow)])
        #expect(huge.map(\.cause) == [.rejected(.amount)])
        let value = Records.euro(Self.minute, in: fold)
        #expect(value == BucketValue(settled: most, transfers: 2))
        let counters = fold.counters.summary
        #expect(counters.applied == 2)
        #expect(counters.duplicate == 2)
        #expect(counters.conflicts == 1)
        #expect(counters.rejected == 2)
    }

    @Test func aRecordWithoutATimestampIsRejected() {
        var fold = Self.started()
        let bytes = Array(Records.transfer("a").utf8)
        let diverted = fold.fold([Entry(bytes, timestamp: LogRecord.noTimestamp)])
        #expect(diverted.map(\.cause) == [.rejected(.timestamp)])
    }

    @Test func aTombstoneIsControl() {
        var fold = Self.started()
        fold.fold([Entry(nil, timestamp: 0), Entry([], timestamp: 0)])
        let (ignored, json) = (Self.control(fold, .ignored), Self.rejected(fold, .json))
        #expect(ignored == 1)
        #expect(json == 1)
    }

    @Test func aCorrectionAppliesOnceAndOnlyToWhatItSaw() {
        var fold = Self.started()
        fold.fold(Records.transfer("a"))
        let first = Records.correction("c1", minute: Self.minute, delta: 50, before: 0)
        fold.fold(first)
        fold.fold(first)
        fold.fold(Records.correction("c2", minute: Self.minute, delta: 9, before: 0))
        fold.fold(Records.correction("c3", minute: Self.minute, delta: -20, before: 50))
        fold.fold(
            Records.correction("c4", minute: Self.minute.advanced(by: 6), delta: 1, before: 0))
        fold.fold(
            Records.correction("c5", minute: Self.minute.advanced(by: -1_500), delta: 1, before: 0))
        let value = Records.euro(Self.minute, in: fold)
        #expect(value == BucketValue(settled: 100, transfers: 1, correction: 30))
        // Issued at noon, written too long after.
        fold.fold(
            Records.correction("c6", minute: Self.minute, delta: 9, before: 30),
            at: Self.noon + 600_001)
        let counts = [
            ControlOutcome.applied, .duplicate, .void, .future, .late,
        ].map { fold.counters.control[Int($0.rawValue)] }
        #expect(counts == [2, 1, 2, 1, 1])
    }

    /// A correction ahead, and a delayed transfer of the minute 25 h 6 min before: both are kept.
    @Test func aCorrectionAheadAndADelayedTransferBothStay() {
        var fold = Self.started(FoldStart(floor: Self.minute.advanced(by: -1_499)))
        let ahead = Self.minute.advanced(by: 9)
        fold.fold(
            Records.correction("c", minute: ahead, delta: 7, before: 0), at: Self.noon + 300_000)
        let delayed = ahead.advanced(by: -1_506)
        fold.fold(Records.transfer("a", "5", at: delayed.start))
        let buckets = fold.changes(since: 0).buckets
        #expect(buckets.map(\.minute) == [delayed, ahead])
        #expect(buckets.map(\.value.published) == [5, 7])
    }

    @Test func aCorrectionOfTheFirstMinuteThereIsCannotTrap() {
        var fold = ShardFold(settings: Records.settings)
        fold.fold(
            Records.correction("c", minute: Minute(.min), delta: 5, before: 0))
        let counters = fold.counters
        #expect(counters.control[Int(ControlOutcome.late.rawValue)] == 1)
    }

    @Test func aTransferAndACorrectionMayShareAnID() {
        var fold = Self.started()
        fold.fold(Records.transfer("same"))
        fold.fold(Records.correction("same", minute: Self.minute, delta: 1, before: 0))
        let value = Records.euro(Self.minute, in: fold)
        #expect(value.correction == 1)
    }

    @Test func theGreatestMarkerOfOneLedgerIsKept() {
        var fold = Self.started()
        fold.fold(Records.marker(lsn: "0/20", at: Self.noon))
        fold.fold(Records.marker(lsn: "0/10", at: Self.noon + 1_000))
        let kept = fold.marker?.lsn
        #expect(kept == 0x20)
        fold.fold(
            Records.marker(lsn: "0/10", at: Self.noon + 2_000, system: "74"),
            at: Self.noon + 2_500)
        let other = fold.marker?.lsn
        #expect(other == 0x10)
    }

    @Test func sourcesWithOtherExponentsAreRescaledExactly() throws {
        func currency(_ code: String) throws -> Currency { try #require(Currency(code: code)) }
        let settings = FoldSettings(
            idKey: IDKey(low: 1, high: 2),
            exponents: [
                try currency("ISK"): 2, try currency("UGX"): 2, try currency("HUF"): 0,
                try currency("KWD"): 2,
            ])
        var fold = ShardFold(settings: settings)
        var rejected: [String] = []
        for (id, code, amount) in [
            ("a", "ISK", "12750"), ("b", "ISK", "12700"), ("c", "KWD", "307"),
            ("d", "HUF", "33128"), ("e", "UGX", "365050"), ("f", "UGX", "365000"),
        ] {
            let diverted = fold.fold(Records.transfer(id, amount, currency: code))
            for diversion in diverted {
                #expect(diversion.cause == .rejected(.precision))
                rejected.append(id)
            }
        }
        let values = try ["ISK", "KWD", "HUF", "UGX"].map {
            fold.value(minute: Self.minute, currency: try currency($0)).settled
        }
        #expect(values == [127, 3_070, 3_312_800, 3_650])
        #expect(rejected == ["a", "e"])
        #expect(settings.version != Records.settings.version)
    }

    @Test func onlyTheEndOfTheLogProves() {
        var fold = Self.started()
        fold.fold(Records.transfer("a"), at: Self.noon)
        let stamp = fold.proof()
        fold.learnedEnd(2, askedAt: Self.noon + 10_000)
        fold.learnedEnd(3, askedAt: Self.noon + 11_000)
        fold.learnedEnd(4, askedAt: Self.noon + 12_000)
        let notThere = fold.proof()
        fold.fold(Records.transfer("b"))
        let oldest = fold.proof()
        fold.fold(Records.transfer("c"))
        let stillOldest = fold.proof()
        fold.fold(Records.transfer("d"))
        let newest = fold.proof()
        #expect(stamp == nil)
        #expect(notThere == nil)
        #expect(oldest == Self.noon + 10_000)
        #expect(stillOldest == Self.noon + 10_000)
        #expect(newest == Self.noon + 12_000)
    }

    /// Only the proof and the floor free ids; the table drops them when it would grow.
    @Test func aStampAheadFreesNoIDs() {
        var fold = Self.started(FoldStart(floor: Self.minute.advanced(by: -1_500)))
        fold.fold(Records.transfer("a"))
        fold.learnedEnd(1, askedAt: Self.noon)
        let ahead = Self.noon + 30 * 86_400_000
        fold.fold(Records.transfer("wrong", at: ahead), at: ahead)
        fold.raiseFloor(to: Self.minute.advanced(by: -1_499))
        for index in 0..<3_000 { fold.fold(Records.transfer("t\(index)")) }
        fold.fold(Records.transfer("a"))
        let duplicates = fold.counters.duplicate
        #expect(duplicates == 1)
    }

    @Test func theFloorDropsMinutesAndNothingElse() {
        var fold = Self.started(FoldStart(floor: Self.minute.advanced(by: -1_499)))
        fold.fold(Records.transfer("a", "1", at: Self.noon - 86_400_000))
        fold.fold(Records.transfer("b", "2"))
        fold.raiseFloor(to: Self.minute.advanced(by: -10))
        // The record is still counted, although its bucket is gone.
        fold.fold(Records.transfer("c", "3", at: Self.noon - 3_600_000))
        fold.fold(Records.transfer("a", "1", at: Self.noon - 86_400_000))
        let changes = fold.changes(since: 0).buckets
        #expect(changes.map(\.value.settled) == [2])
        let counters = fold.counters
        #expect(counters.applied == 3)
        #expect(counters.duplicate == 1)
    }

    @Test func tooManyBucketsRaiseTheFloor() {
        var fold = Self.started(FoldStart(floor: Self.minute.advanced(by: -1_499)))
        for index in 0..<100 {
            fold.fold(Records.transfer("t\(index)", at: Self.noon - Int64(99 - index) * 60_000))
        }
        let none = fold.shrink(toAtMost: 100)
        let floor = fold.shrink(toAtMost: 64)
        let left = fold.bucketCount
        #expect(none == nil)
        #expect(floor == Self.minute.advanced(by: -27))
        #expect(left == 28)
    }
}
