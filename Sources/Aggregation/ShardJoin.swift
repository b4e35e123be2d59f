package import CivilTime
package import DeltaProtocol

/// Decides, from the log's and the HQs' answers, where a node that takes over a shard without state
/// begins.
package enum ShardJoin {
    /// How much of the log before the first folded record is read for ids alone, in milliseconds:
    /// 25 h 11 min, the time that liveness looks back and a margin for both of its clocks.
    package static let idsMilliseconds: Int64 = (25 * 60 + 11) * 60_000

    /// The broker's answers about the partition.
    package struct LogFacts: Sendable, Hashable {
        /// The first offset that the log still holds, and one past the last.
        package var low: Int64
        package var high: Int64
        /// The first offset stamped at or after the time asked for; `low` if the broker cannot say,
        /// `high` if all records are older.
        package var start: Int64
        /// The timestamp of the record at `start`, in milliseconds; nil if there is none.
        package var startTimestamp: Int64?

        package init(low: Int64, high: Int64, start: Int64, startTimestamp: Int64?) {
            self.low = low
            self.high = high
            self.start = start
            self.startTimestamp = startTimestamp
        }
    }

    /// Why a shard stays stopped until an operator intervenes.
    package enum Alarm: String, Sendable, Hashable {
        /// The partition ends below HQ's watermark: the topic was recreated, or lost data.
        case endsBelowWatermark = "ends_below_watermark"
        /// The partition ends before what this node has folded.
        case endsBelowCoverage = "ends_below_coverage"
        /// The log has another record at a folded offset: the topic was recreated or rewritten.
        case foreignRecord = "foreign_record"
        /// More buckets than a node can hold have changed within the last hour.
        case tooManyBuckets = "too_many_buckets"
    }

    /// The settings and times that a join is planned with.
    package struct Terms: Sendable, Hashable {
        /// The first minute that the state will hold.
        package var floor: Minute
        /// How much earlier than a preceding record's stamp a stamp may be, in milliseconds.
        package var disorderMilliseconds: Int64
        /// True if the log continues another one, whose ids can no longer be read.
        package var isContinuing: Bool
        /// The node's fold version. It cannot start from values folded under other settings.
        package var version: FoldVersion
        /// The latest of all clocks heard: no record written so far has a later true stamp.
        package var now: UnixTime

        package init(
            floor: Minute, disorderMilliseconds: Int64, isContinuing: Bool = false,
            version: FoldVersion, now: UnixTime
        ) {
            self.floor = floor
            self.disorderMilliseconds = disorderMilliseconds
            self.isContinuing = isContinuing
            self.version = version
            self.now = now
        }

        /// How much later than the stamps of all records before its own a settlement may be.
        fileprivate var slack: Int64 { ShardFold.futureMilliseconds + disorderMilliseconds }

        /// A record stamped before this cannot belong to a held minute.
        package var foldFrom: UnixTime { floor.start - slack }

        /// The log is read from this time on, at first for ids alone.
        package var readFrom: UnixTime { foldFrom - idsMilliseconds }

        /// The first minute that no record stamped at `stamp` or earlier can belong to.
        fileprivate func minuteAfter(_ stamp: UnixTime) -> Minute {
            (stamp + slack).minute.advanced(by: 1)
        }
    }

    package enum Plan: Sendable {
        case start(FoldStart)
        /// The log does not cover all held minutes: ask this HQ for its values, then plan again.
        case needsValues(of: Int)
        case stop(Alarm)
    }

    /// - Parameters:
    ///   - log: the broker's answers for `terms.readFrom`.
    ///   - statuses: by HQ, its state of the shard; nil if it has none or did not answer.
    ///   - mayAsk: by HQ, true if the node can still ask for its values. Values already in
    ///     `statuses` are used in any case.
    package static func plan(
        log: LogFacts, statuses: [ShardStatus?], mayAsk: [Bool], terms: Terms
    ) -> Plan {
        for case let status? in statuses where status.watermark > log.high {
            return .stop(.endsBelowWatermark)
        }
        var start = FoldStart(
            offset: log.start, floor: terms.floor,
            expected: statuses.compactMap { $0?.fingerprint })
        start.waitingRecords = log.high - log.start
        if isFromBeginning(log, terms) {
            start.offset = 0
            start.waitingRecords = log.high
            if terms.isContinuing { start.continuedMilliseconds = terms.slack }
            return .start(start)
        }

        start.foldFrom = terms.foldFrom
        start.idsFrom = terms.floor
        guard log.start == log.low else { return .start(start) }
        // The log is cut: its first record shows how much of the past is gone. A stamp that lies
        // ahead shows only that its record was written before now.
        let first = min(
            log.startTimestamp.map(UnixTime.init(milliseconds:)) ?? terms.now, terms.now)
        // Stamps are out of order: an earlier record may have a later stamp.
        let lost = first + terms.disorderMilliseconds
        start.idsShortUntil = (lost + idsMilliseconds).minute.advanced(by: 1)
        if first < terms.foldFrom { return .start(start) }
        start.idsFrom = max(terms.minuteAfter(first), terms.floor)
        for case let status? in statuses where status.watermark == log.start {
            guard let last = status.fingerprint else { continue }
            let known = terms.minuteAfter(UnixTime(milliseconds: last.timestamp))
            start.idsFrom = max(min(start.idsFrom, known), terms.floor)
        }
        guard start.idsFrom > terms.floor else { return .start(start) }
        return seeded(start, statuses, mayAsk, terms)
    }

    /// True if the log is folded from offset 0. A low watermark above 0 means that retention
    /// removed the beginning.
    private static func isFromBeginning(_ log: LogFacts, _ terms: Terms) -> Bool {
        if log.start == 0 { return true }
        // The record at `start` may be the first of the log, after offsets that were never used or
        // that compaction removed. Then it decides which transfers may be in the previous log too.
        guard terms.isContinuing, log.low == 0, let first = log.startTimestamp else { return false }
        return UnixTime(milliseconds: first) >= terms.foldFrom
    }

    /// Chooses the seed with the earliest values, then the earliest ids, then the greatest
    /// watermark.
    private static func seeded(
        _ start: FoldStart, _ statuses: [ShardStatus?], _ mayAsk: [Bool], _ terms: Terms
    ) -> Plan {
        var best: (hq: Int, status: ShardStatus)?
        for (hq, status) in statuses.enumerated() {
            guard let status, status.claims.valuesFrom < start.idsFrom, status.watermark > 0,
                isReadable(status.foldVersion, by: terms.version),
                status.values != nil || mayAsk[hq]
            else { continue }
            if let known = best?.status, !isBetter(status, than: known) { continue }
            best = (hq, status)
        }
        guard let best else { return .start(start) }
        guard let values = best.status.values else { return .needsValues(of: best.hq) }
        var seededStart = start
        seededStart.seed = FoldStart.Seed(
            watermark: best.status.watermark, valuesFrom: best.status.claims.valuesFrom,
            values: values)
        return .start(seededStart)
    }

    private static func isBetter(_ a: ShardStatus, than b: ShardStatus) -> Bool {
        (a.claims.valuesFrom, a.claims.idsFrom, b.watermark)
            < (b.claims.valuesFrom, b.claims.idsFrom, a.watermark)
    }

    /// Values folded by older rules are valid up to the upgrade. Values folded under other settings
    /// may be in other units.
    private static func isReadable(_ theirs: FoldVersion, by ours: FoldVersion) -> Bool {
        theirs == ours || theirs.settings == ours.settings && theirs.rules < ours.rules
    }
}
