import Aggregation
import CivilTime
import DeltaProtocol
import Testing
import Topology

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
        from: Minute? = ShardFold.fromTheBeginning
    ) -> ShardReply {
        ShardReply(
            log: log, partition: 0, outcome: outcome, watermark: watermark, completeFrom: from)
    }

    private static func push(watermark: Int64 = 0) -> ShardPush {
        ShardPush(log: log, partition: 0, watermark: watermark)
    }

    @Test func theFirstDeltaIsTheWholeShardAndTheNextOnlyWhatChanged() throws {
        var fold = Self.folded(3)
        var push = Self.push()
        let first = try #require(push.delta(of: &fold, now: Self.now))
        #expect(first.base == 0)
        #expect(first.coverage == 3)
        #expect(first.digest != nil)
        let whileUnderWay = push.delta(of: &fold, now: Self.now + 60_000)
        #expect(whileUnderWay == nil)
        push.answered(Self.reply(.committed, 3), completeFrom: first.completeFrom)
        let idle = push.delta(of: &fold, now: Self.now + 1)
        #expect(idle == nil)
        fold.fold(Records.transfer("x", "8", at: Self.now + 60_000), at: Self.now + 60_000)
        let second = try #require(push.delta(of: &fold, now: Self.now + 2))
        #expect(second.base == 3)
        #expect(second.buckets.map(\.value.settled) == [8])
    }

    @Test func anIdleShardTellsThatItLives() throws {
        var fold = Self.folded(1)
        var push = Self.push(watermark: 1)
        _ = push.delta(of: &fold, now: Self.now)
        push.answered(Self.reply(.committed, 1), completeFrom: fold.completeFrom)
        let early = push.delta(of: &fold, now: Self.now + 1_999)
        let due = push.delta(of: &fold, now: Self.now + 2_000)
        #expect(early == nil)
        let delta = try #require(due)
        #expect(delta.base == 1)
        #expect(delta.buckets.isEmpty)
    }

    @Test func anHQThatLostWritesIsSentThemAgainAtOnce() throws {
        var fold = Self.folded(3)
        var push = Self.push(watermark: 3)
        _ = push.delta(of: &fold, now: Self.now)
        push.answered(Self.reply(.behind, 1), completeFrom: fold.completeFrom)
        let again = try #require(push.delta(of: &fold, now: Self.now))
        #expect(again.base == 1)
        #expect(push.regressions == 1)
        push.answered(Self.reply(.behind, 0, from: nil), completeFrom: fold.completeFrom)
        let whole = try #require(push.delta(of: &fold, now: Self.now))
        #expect(whole.base == 0)
        #expect(whole.buckets.map(\.value.transfers) == [3])
    }

    @Test func aNodeBehindHeadquartersOnlyTellsThatItLives() throws {
        var fold = Self.folded(2)
        var push = Self.push(watermark: 9)
        let delta = try #require(push.delta(of: &fold, now: Self.now))
        #expect(delta.base == 2)
        #expect(delta.coverage == 2)
        #expect(delta.buckets.isEmpty)
        push.answered(Self.reply(.repeat, 9), completeFrom: fold.completeFrom)
        #expect(push.isAcknowledged(through: 9))
    }

    @Test func anHQThatKnowsLessOfThePastIsSentTheWholeShard() throws {
        var fold = Self.folded(2)
        var push = Self.push(watermark: 2)
        _ = push.delta(of: &fold, now: Self.now)
        push.answered(Self.reply(.committed, 2, from: Minute(5)), completeFrom: fold.completeFrom)
        let whole = try #require(push.delta(of: &fold, now: Self.now))
        #expect(whole.base == 0)
        #expect(whole.coverage == 2)
        push.answered(Self.reply(.committed, 2), completeFrom: fold.completeFrom)
        let done = push.delta(of: &fold, now: Self.now)
        #expect(done == nil)
    }

    @Test func withoutAnAnswerTheSameIsDueAgain() throws {
        var fold = Self.folded(2)
        var push = Self.push()
        let first = push.delta(of: &fold, now: Self.now)
        push.failed()
        let second = push.delta(of: &fold, now: Self.now)
        #expect(first?.buckets == second?.buckets)
        #expect(second?.base == 0)
    }

    @Test func aRefusedShardAsksAgainSlowly() {
        var fold = Self.folded(2)
        var push = Self.push()
        _ = push.delta(of: &fold, now: Self.now)
        push.answered(
            Self.reply(.refused(.unknownLog), 0, from: nil), completeFrom: fold.completeFrom)
        #expect(push.refusal == .unknownLog)
        let early = push.delta(of: &fold, now: Self.now + 9_999)
        let due = push.delta(of: &fold, now: Self.now + 10_000)
        #expect(early == nil)
        #expect(due != nil)
    }

    @Test func aRefusalSaysNothingOfWhatHeadquartersHas() throws {
        var fold = Self.folded(3)
        var push = Self.push(watermark: 3)
        _ = push.delta(of: &fold, now: Self.now)
        push.answered(
            Self.reply(.refused(.store), 0, from: nil), completeFrom: fold.completeFrom)
        #expect(push.watermark == 3)
        #expect(push.regressions == 0)
        let early = push.delta(of: &fold, now: Self.now + 1_999)
        let due = push.delta(of: &fold, now: Self.now + 2_000)
        #expect(early == nil)
        let again = try #require(due)
        #expect(again.base == 3)
        #expect(again.buckets.isEmpty)
    }

    @Test func aClockThatJumpedBackDoesNotSilenceAShard() {
        var fold = Self.folded(1)
        var push = Self.push(watermark: 1)
        _ = push.delta(of: &fold, now: Self.now)
        push.answered(Self.reply(.committed, 1), completeFrom: fold.completeFrom)
        let delta = push.delta(of: &fold, now: Self.now - 86_400_000)
        #expect(delta != nil)
    }
}
