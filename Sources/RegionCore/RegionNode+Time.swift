import Aggregation
import CivilTime
import DeltaProtocol
import Pacing

/// An open question for the ends of partitions.
struct EndsQuestion {
    var number: Int
    var askedAt: UnixTime
    /// By partition, the coverage when it was asked.
    var coverages: [Int32: Int64]
}

/// One clock: the node's own counts on from its start and never jumps; the HQs' clocks decide which
/// minutes the state holds.
extension RegionNode {
    /// The clock skew between a node and HQ that causes a warning, and the one that causes an
    /// alarm, in milliseconds.
    private static let skewWarning: Int64 = 5_000
    private static let skewAlarm: Int64 = 60_000
    /// Buckets newer than this must fit into memory, in minutes.
    private static let minutesThatFit = 60

    /// True once any HQ has sent its time.
    var isHeard: Bool { links.contains { $0.ahead != nil } }

    /// The earliest of the node's clock and the HQs' last known clocks.
    func present(_ now: UnixTime) -> UnixTime {
        now + min(0, links.compactMap(\.ahead).min() ?? 0)
    }

    /// The latest of them.
    func latestPresent(_ now: UnixTime) -> UnixTime {
        now + max(0, links.compactMap(\.ahead).max() ?? 0)
    }

    /// The first minute to hold.
    func floor(_ now: UnixTime) -> Minute {
        present(now).minute.advanced(by: -Limits.retainedMinutes)
    }

    /// Until any HQ is heard, floors stay where they are: the node cannot push either.
    func raiseFloors(_ now: UnixTime) {
        guard isHeard else { return }
        let floor = floor(now)
        for shard in foldingShards {
            shard.shortenMissed()
            shard.fold.raiseFloor(to: floor, pushed: shard.pushed)
        }
    }

    mutating func hear(
        _ serverTime: UnixTime, of hq: Int, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        let before = links[hq].ahead
        let ahead = serverTime.milliseconds - now.milliseconds
        links[hq].ahead = ahead
        let (level, was) = (Self.level(ahead), before.map(Self.level) ?? nil)
        guard level != was else { return }
        actions.append(
            .note(
                Note(
                    level ?? .notice,
                    level == nil
                        ? "this clock agrees with headquarters"
                        : "this clock differs from headquarters': check NTP on both",
                    ["hq": "\(hq)", "ahead_ms": "\(-ahead)"])))
    }

    private static func level(_ ahead: Int64) -> Note.Level? {
        ahead.magnitude > UInt64(skewAlarm)
            ? .error
            : ahead.magnitude > UInt64(skewWarning) ? .warning : nil
    }

    /// Keeps buckets that wrong clocks scatter over years from filling the memory.
    mutating func keepWithinBounds(_ shard: FoldingShard, _ actions: inout [RegionAction]) {
        let before = shard.fold.floor
        guard
            let floor = shard.fold.shrink(
                toAtMost: Limits.bucketsPerShard, pushed: shard.pushed)
        else { return }
        let room = Limits.retainedMinutes - Self.minutesThatFit
        guard floor <= before.advanced(by: room) else {
            return stop(shard.partition, .tooManyBuckets, &actions)
        }
        actions.append(
            .note(
                Note(
                    .error, "too many buckets: dropping the oldest minutes",
                    ["partition": "\(shard.partition)", "from_minute": "\(floor.number)"])))
    }
}
