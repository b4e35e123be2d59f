import Aggregation
import CivilTime
import DeltaProtocol
import Identifiers
import Testing

@Suite struct ShardPushTests {
    static let now = Records.noon
    static let log = LogID(unchecked: "log-1")

    private static func folded(_ count: Int) -> ShardFold {
        var fold = ShardFold(settings: Records.settings)
        fold.fold((0..<count).map { Entry(Records.transfer("t\($0)")) })
        return fold
    }

    private static func reply(
        _ outcome: ShardOutcome, _ watermark: Int64,
        from: Minute? = Claims.always, fingerprint: Fingerprint? = nil,
        heal: ClosedRange<Minute>? = nil
    ) -> ShardReply {
        ShardReply(
            log: log, partition: 0, outcome: outcome, watermark: watermark,
            claims: from.map { Claims(valuesFrom: $0, idsFrom: $0) }, fingerprint: fingerprint,
            heal: heal)
    }

    private static func push(
        watermark: Int64 = 0, fingerprint: Fingerprint? = nil, of fold: inout ShardFold
    ) -> ShardPush {
        var push = ShardPush(log: log, partition: 0)
        let status = ShardStatus(
            log: log, partition: 0, watermark: watermark, claims: .all,
            foldVersion: Records.settings.version, fingerprint: fingerprint)
        push.join(watermark == 0 ? nil : status, of: &fold)
        return push
    }

    @Test func theFirstDeltaIsTheWholeShardAndTheNextOnlyWhatChanged() throws {
        var fold = Self.folded(3)
        var push = Self.push(of: &fold)
        let first = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(first.base == 0)
        #expect(first.coverage == 3)
        #expect(first.digest != nil)
        let whileUnderWay = push.delta(of: &fold, now: Self.now + 60_000, ahead: 0)
        #expect(whileUnderWay == nil)
        push.answered(Self.reply(.committed, 3), of: &fold)
        let idle = push.delta(of: &fold, now: Self.now + 1, ahead: 0)
        #expect(idle == nil)
        fold.fold(Records.transfer("x", "8", at: Self.now + 60_000), at: Self.now + 60_000)
        let second = try #require(push.delta(of: &fold, now: Self.now + 2, ahead: 0))
        #expect(second.base == 3)
        #expect(second.buckets.map(\.value.settled) == [8])
    }

    @Test func anIdleShardTellsThatItLives() throws {
        var fold = Self.folded(1)
        var push = Self.push(watermark: 1, of: &fold)
        _ = push.delta(of: &fold, now: Self.now, ahead: 0)
        push.answered(Self.reply(.committed, 1), of: &fold)
        let early = push.delta(of: &fold, now: Self.now + 1_999, ahead: 0)
        let due = push.delta(of: &fold, now: Self.now + 2_000, ahead: 0)
        #expect(early == nil)
        let delta = try #require(due)
        #expect(delta.base == 1)
        #expect(delta.buckets.isEmpty)
    }

    @Test func anHQThatLostWritesIsSentThemAgainAtOnce() throws {
        var fold = Self.folded(3)
        var push = Self.push(watermark: 3, of: &fold)
        _ = push.delta(of: &fold, now: Self.now, ahead: 0)
        push.answered(Self.reply(.behind, 1), of: &fold)
        let again = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(again.base == 1)
        #expect(push.regressions == 1)
        push.answered(Self.reply(.behind, 0, from: nil), of: &fold)
        let whole = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(whole.base == 0)
        #expect(whole.buckets.map(\.value.transfers) == [3])
    }

    @Test func aNodeBehindHeadquartersOnlyTellsThatItLives() throws {
        var fold = Self.folded(2)
        var push = Self.push(watermark: 9, of: &fold)
        let delta = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(delta.base == 2)
        #expect(delta.coverage == 2)
        #expect(delta.buckets.isEmpty)
        push.answered(Self.reply(.repeat, 9), of: &fold)
        #expect(push.isAcknowledged(through: 9))
    }

    @Test func anHQThatKnowsLessOfThePastIsSentTheWholeShard() throws {
        var fold = Self.folded(2)
        var push = Self.push(watermark: 2, of: &fold)
        _ = push.delta(of: &fold, now: Self.now, ahead: 0)
        push.answered(Self.reply(.committed, 2, from: Minute(5)), of: &fold)
        let whole = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(whole.base == 0)
        #expect(whole.coverage == 2)
        push.answered(Self.reply(.committed, 2), of: &fold)
        let done = push.delta(of: &fold, now: Self.now, ahead: 0)
        #expect(done == nil)
    }

    @Test func withoutAnAnswerTheSameIsDueAgain() throws {
        var fold = Self.folded(2)
        var push = Self.push(of: &fold)
        let first = push.delta(of: &fold, now: Self.now, ahead: 0)
        push.failed()
        let second = push.delta(of: &fold, now: Self.now, ahead: 0)
        #expect(first?.buckets == second?.buckets)
        #expect(second?.base == 0)
    }

    @Test func aRefusedShardAsksAgainSlowly() {
        var fold = Self.folded(2)
        var push = Self.push(of: &fold)
        _ = push.delta(of: &fold, now: Self.now, ahead: 0)
        push.answered(
            Self.reply(.refused(.unknownLog), 0, from: nil), of: &fold)
        #expect(push.refusal == .unknownLog)
        let early = push.delta(of: &fold, now: Self.now + 9_999, ahead: 0)
        let due = push.delta(of: &fold, now: Self.now + 10_000, ahead: 0)
        #expect(early == nil)
        #expect(due != nil)
    }

    @Test func aRefusalSaysNothingOfWhatHeadquartersHas() throws {
        var fold = Self.folded(3)
        var push = Self.push(watermark: 3, of: &fold)
        _ = push.delta(of: &fold, now: Self.now, ahead: 0)
        push.answered(
            Self.reply(.refused(.store), 0, from: nil), of: &fold)
        #expect(push.watermark == 3)
        #expect(push.regressions == 0)
        let early = push.delta(of: &fold, now: Self.now + 1_999, ahead: 0)
        let due = push.delta(of: &fold, now: Self.now + 2_000, ahead: 0)
        #expect(early == nil)
        let again = try #require(due)
        #expect(again.base == 3)
        #expect(again.buckets.isEmpty)
    }

    @Test func aClockThatJumpedBackDoesNotSilenceAShard() {
        var fold = Self.folded(1)
        var push = Self.push(watermark: 1, of: &fold)
        _ = push.delta(of: &fold, now: Self.now, ahead: 0)
        push.answered(Self.reply(.committed, 1), of: &fold)
        let delta = push.delta(of: &fold, now: Self.now - 86_400_000, ahead: 0)
        #expect(delta != nil)
    }

    @Test func nothingIsPushedBeforeHeadquartersSaidWhatItHas() {
        var fold = Self.folded(1)
        var push = ShardPush(log: Self.log, partition: 0)
        let early = push.delta(of: &fold, now: Self.now, ahead: 0)
        #expect(early == nil)
    }

    /// Each HQ receives the proof in its own time.
    @Test func observedThroughIsByHeadquartersClock() throws {
        var fold = Self.folded(1)
        fold.learnedEnd(1, askedAt: Self.now)
        var push = Self.push(of: &fold)
        let delta = try #require(push.delta(of: &fold, now: Self.now, ahead: -7_000))
        #expect(delta.observedThrough == Self.now - 7_000)
    }

    @Test func underARelayOnlyMarkersProve() throws {
        let settings = FoldSettings(idKey: IDKey(low: 1, high: 2), isRelayed: true)
        var fold = ShardFold(settings: settings)
        fold.fold(Records.transfer("a"))
        fold.learnedEnd(1, askedAt: Self.now + 10_000)
        var push = Self.push(of: &fold)
        let unproven = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        push.failed()
        fold.fold(Records.marker(lsn: "0/1", at: Self.now + 3_000), at: Self.now + 6_000)
        let proven = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(unproven.observedThrough == nil)
        #expect(proven.observedThrough == Self.now + 3_000)
    }

    @Test func minutesThatHeadquartersHoldsOtherwiseAreSentWhole() throws {
        var fold = Self.folded(2)
        var push = Self.push(watermark: 2, fingerprint: fold.fingerprint, of: &fold)
        _ = push.delta(of: &fold, now: Self.now, ahead: 0)
        let hour = Self.now.minute.advanced(by: -30)...Self.now.minute.advanced(by: 29)
        push.answered(
            Self.reply(.committed, 2, fingerprint: fold.fingerprint, heal: hour), of: &fold)
        let healing = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(healing.base == 2)
        #expect(healing.replaced == hour)
        #expect(healing.buckets.map(\.value.transfers) == [2])
    }

    @Test func aRecordThatAnotherNodeFoldedIsComparedBeforeAPush() throws {
        var fold = Self.folded(5)
        let foreign = Fingerprint(offset: 2, timestamp: 1, crc: 3)
        var push = Self.push(watermark: 3, fingerprint: foreign, of: &fold)
        let before = push.delta(of: &fold, now: Self.now, ahead: 0)
        #expect(before == nil)
        #expect(push.unverified == foreign)
        push.verified()
        let after = try #require(push.delta(of: &fold, now: Self.now, ahead: 0))
        #expect(after.baseFingerprint == foreign)
    }

    /// Each fully known minute within a day is in exactly one range.
    @Test(arguments: [Minute(29_456_210), Minute(29_456_220), Minute(0), Minute(-61)])
    func rangesCoverADayEitherWayOnce(now: Minute) {
        for known in [-2_000, -1_440, -61, 0, 1_440] {
            let claims = Claims(from: now.advanced(by: known))
            let count = DigestRanges.count(claims: claims, floor: Claims.always, now: now)
            let minutes = (0..<count).flatMap { turn in
                DigestRanges.range(turn, claims: claims, floor: Claims.always, now: now)
                    .map(Array.init) ?? []
            }
            let first = now.advanced(by: max(known, -1_440))
            #expect(minutes.sorted() == Array(first...now.advanced(by: 1_440)))
        }
        let future = Claims(from: now.advanced(by: 1_441))
        #expect(DigestRanges.range(3, claims: future, floor: Claims.always, now: now) == nil)
    }
}
