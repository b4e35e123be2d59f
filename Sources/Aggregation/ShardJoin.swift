package import CivilTime
package import DeltaProtocol

/// Where a node that takes over a shard without state begins, decided from what the log and HQ say.
package enum ShardJoin {
    /// Ids are remembered from this long ago on: 50 h 20 min, twice the id memory's horizon.
    package static let rememberMilliseconds: Int64 = (50 * 60 + 20) * 60_000
    /// Records are folded from this long ago on: 25 h 10 min, the retention and a margin for the
    /// 5 minutes by which event time and log time may differ.
    package static let foldMilliseconds: Int64 = (25 * 60 + 10) * 60_000

    /// What the log says of the partition.
    package struct LogFacts: Sendable, Hashable {
        /// The first offset it still holds, and one past the last.
        package var low: Int64
        package var high: Int64
        /// The first offset stamped at or after `rememberMilliseconds` ago; `low` where the broker
        /// cannot say, `high` where all records are older.
        package var start: Int64
        /// The timestamp of the record at `start`, in milliseconds; nil where there is none.
        package var startTimestamp: Int64?

        package init(low: Int64, high: Int64, start: Int64, startTimestamp: Int64?) {
            self.low = low
            self.high = high
            self.start = start
            self.startTimestamp = startTimestamp
        }
    }

    /// Why a shard must not be folded until an operator has looked.
    package enum Alarm: String, Sendable, Hashable {
        /// The partition ends before what HQ has committed: the topic was recreated, or lost data.
        case endsBelowWatermark = "ends_below_watermark"
        /// Another record stands where HQ's watermark was set: the topic was recreated.
        case foreignRecord = "foreign_record"
    }

    package enum Plan: Sendable {
        case start(FoldStart)
        /// Only with HQ's values would all retained minutes be known: ask for them, plan again.
        case needsSeed
        case stop(Alarm)
    }

    /// - Parameters:
    ///   - status: what HQ has of the shard; nil where it has nothing. Its values are looked at
    ///     only where the log does not reach back far enough.
    ///   - version: of the node's fold. Values of another one are no start for it: what they came
    ///     to by other rules must not be told as its own.
    ///   - hasAskedForValues: whether `status` answers a question for values: where it has none, HQ
    ///     has none, and what the log does not reach stays incomplete.
    ///   - now: the node's clock. It decides how far back is read, never what a record means.
    package static func plan(
        log: LogFacts, status: ShardStatus?, version: FoldVersion,
        hasAskedForValues: Bool = false, now: UnixTime
    ) -> Plan {
        if let status, status.watermark > log.high { return .stop(.endsBelowWatermark) }
        var start = FoldStart(offset: log.start)
        start.waitingRecords = log.high - log.start
        if let status, status.watermark > log.start, let fingerprint = status.fingerprint {
            start.expected = FoldStart.ExpectedRecord(
                offset: status.watermark - 1, fingerprint: fingerprint)
        }
        // Offset 0 is the log's beginning; a low watermark above it is retention.
        if log.start == 0 { return .start(start) }

        let foldFrom = now - foldMilliseconds
        start.foldFrom = foldFrom
        let isCut = log.start == log.low
        let firstSeen: UnixTime
        if isCut {
            let first = log.startTimestamp.map(UnixTime.init(milliseconds:)) ?? now
            firstSeen = max(first, foldFrom)
        } else {
            firstSeen = foldFrom
        }
        let knownFrom = (firstSeen + ShardFold.futureMilliseconds).minute.advanced(by: 1)
        start.knownFrom = knownFrom
        let retainedFrom = now.minute.advanced(by: 1 - Limits.retainedMinutes)
        guard knownFrom > retainedFrom, let status, status.watermark >= log.start,
            status.completeFrom < knownFrom, status.foldVersion == version
        else { return .start(start) }
        guard let values = status.values else {
            return hasAskedForValues ? .start(start) : .needsSeed
        }
        start.seed = FoldStart.Seed(
            watermark: status.watermark, completeFrom: status.completeFrom, values: values)
        return .start(start)
    }
}
