import Aggregation
import CivilTime
import DeltaProtocol
import Pacing

/// A question for the ends of partitions that is open.
struct EndsQuestion {
    var number: Int
    var askedAt: UnixTime
    /// By partition, the coverage at that time.
    var coverages: [Int32: Int64]
}

/// One clock: the node's own counts on from its start and never jumps; the HQs' clocks decide which
/// minutes are held.
extension RegionNode {
    /// A skew between a node and HQ that is worth a warning, and one that is an alarm, in
    /// milliseconds.
    private static let skewWarning: Int64 = 5_000
    private static let skewAlarm: Int64 = 60_000
    /// Buckets that are newer than this have to fit, in minutes.
    private static let minutesThatFit = 60

    /// Whether any HQ has said what time it is.
    var isHeard: Bool { links.contains { $0.ahead != nil } }

    /// The least of the node's clock and the HQs' as they were heard.
    func present(_ now: UnixTime) -> UnixTime {
        now + min(0, links.compactMap(\.ahead).min() ?? 0)
    }

    /// The greatest of them.
    func latestPresent(_ now: UnixTime) -> UnixTime {
        now + max(0, links.compactMap(\.ahead).max() ?? 0)
    }

    /// The first minute to hold.
    func floor(_ now: UnixTime) -> Minute {
        present(now).minute.advanced(by: -Limits.retainedMinutes)
    }

    /// Before any HQ is heard floors stay where they are: nothing can be pushed either.
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
                        : "this clock differs from that of headquarters: check NTP on both",
                    ["hq": "\(hq)", "ahead_ms": "\(-ahead)"])))
    }

    private static func level(_ ahead: Int64) -> Note.Level? {
        ahead.magnitude > UInt64(skewAlarm)
            ? .error
            : ahead.magnitude > UInt64(skewWarning) ? .warning : nil
    }

    /// What wrong clocks scatter over years must not fill the memory.
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
                    .error, "too many buckets: the oldest minutes are given up",
                    ["partition": "\(shard.partition)", "from_minute": "\(floor.number)"])))
    }
}
