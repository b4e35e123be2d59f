import CivilTime
import DeltaProtocol
import Money

/// The fold's rules, in their order. Each record ends in exactly one outcome.
extension ShardFold {
    /// Folds the next records of the partition, in offset order; those below the coverage are
    /// skipped. Records that also go to the dead-letter topic are added to `diversions`.
    package mutating func fold(
        _ records: UnsafeBufferPointer<LogRecord>, into diversions: inout [Diversion]
    ) {
        var start = 0
        while start < records.count, unsafe records[start].offset < coverage { start &+= 1 }
        while start < records.count {
            let end = min(start &+ Self.batch, records.count)
            unsafe foldBatch(records, start..<end, into: &diversions)
            start = end
        }
        guard let last = unsafe records.last, unsafe last.offset &+ 1 == coverage else { return }
        fingerprint = unsafe Self.fingerprint(of: last)
    }

    private mutating func foldBatch(
        _ records: UnsafeBufferPointer<LogRecord>, _ range: Range<Int>,
        into diversions: inout [Diversion]
    ) {
        // Decode ahead. What is not a compact transfer waits for its turn and is decoded then.
        var pending: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for index in range {
            let place = index &- range.lowerBound
            let transfer = unsafe decoded + place
            guard let value = unsafe records[index].value,
                unsafe decoder.decodeCompact(value, into: &transfer.pointee)
            else {
                Self.mark(place, in: &pending)
                continue
            }
        }
        // Read the id table's lines in a loop of its own: between two decodings there is too much
        // work for the processor to look ahead, and each miss would be waited for by itself.
        var lines: UInt64 = 0
        for place in 0..<range.count { lines &+= unsafe ids.touch(decoded[place].id) }
        touched = lines
        for index in range {
            let record = unsafe records[index]
            let place = index &- range.lowerBound
            if unsafe expected?.offset == record.offset { unsafe compare(record) }
            if let foldFrom, unsafe record.timestamp < foldFrom {
                unsafe remember(record)
            } else {
                foldFrom = nil
                if Self.isMarked(place, in: pending) {
                    unsafe foldOther(record, into: &diversions)
                } else {
                    unsafe foldTransfer(decoded[place], of: record, into: &diversions)
                }
            }
            unsafe coverage = record.offset &+ 1
        }
    }

    private static func mark(_ place: Int, in set: inout (UInt64, UInt64, UInt64, UInt64)) {
        let bit: UInt64 = 1 &<< UInt64(place & 63)
        switch place &>> 6 {
        case 0: set.0 |= bit
        case 1: set.1 |= bit
        case 2: set.2 |= bit
        default: set.3 |= bit
        }
    }

    @inline(__always)
    private static func isMarked(
        _ place: Int, in set: (UInt64, UInt64, UInt64, UInt64)
    ) -> Bool {
        let word =
            switch place &>> 6 {
            case 0: set.0
            case 1: set.1
            case 2: set.2
            default: set.3
            }
        return word &>> UInt64(place & 63) & 1 == 1
    }

    /// Anything but a transfer in compact form.
    private mutating func foldOther(_ record: LogRecord, into diversions: inout [Diversion]) {
        var transfer = DecodedTransfer.none
        switch unsafe decoder.decode(record.value, into: &transfer) {
        case .transfer:
            unsafe foldTransfer(transfer, of: record, into: &diversions)
        case .correction(let correction):
            unsafe foldCorrection(correction, of: record, into: &diversions)
        case .marker(let marker):
            unsafe foldMarker(marker, of: record, into: &diversions)
        case .ignored:
            count(.ignored)
        case .rejected(let reason):
            unsafe reject(record, reason, into: &diversions)
        }
    }

    @inline(__always)
    private mutating func foldTransfer(
        _ transfer: DecodedTransfer, of record: LogRecord, into diversions: inout [Diversion]
    ) {
        let settledAt = transfer.settledAt.milliseconds
        guard let shown = unsafe advancedLogTime(settledAt, record: record) else {
            return unsafe reject(
                record, record.timestamp == LogRecord.noTimestamp ? .timestamp : .future,
                into: &diversions)
        }
        let minute = transfer.settledAt.minute
        let present = shown.minute.number
        let isLate = minute.number <= present &- Int32(Limits.retainedMinutes)
        let target = isLate ? shown.minute : minute
        let amount: Int64
        switch isoAmount(transfer) {
        case .success(let scaled): amount = scaled
        case .failure(let reason): return unsafe reject(record, reason, into: &diversions)
        }
        let check = transfer.contentCheck
        let overflows =
            isLate
            ? lateRing.wouldOverflow(amount: amount, minute: target, currency: transfer.currency)
            : ring.wouldOverflow(amount: amount, minute: target, currency: transfer.currency)
        if overflows, unsafe !isInSeed(target, offset: record.offset),
            ids.peek(transfer.id, contentCheck: check, at: present) == .fresh
        {
            return unsafe reject(record, .overflow, into: &diversions)
        }

        advance(to: shown)
        switch ids.sight(transfer.id, contentCheck: check) {
        case .fresh:
            break
        case .repeated:
            counters.duplicate &+= 1
            return
        case .conflicting:
            counters.duplicate &+= 1
            counters.conflicts &+= 1
            unsafe diversions.append(Diversion(offset: record.offset, cause: .conflict))
            return
        }
        if isLate { counters.late &+= 1 } else { counters.applied &+= 1 }
        if unsafe isInSeed(target, offset: record.offset) { return }
        if isLate {
            unsafe lateRing.add(
                amount: amount, minute: target, currency: transfer.currency,
                offset: record.offset)
        } else {
            unsafe ring.add(
                amount: amount, minute: target, currency: transfer.currency,
                offset: record.offset)
        }
    }

    /// Whether the seed holds already what a record at `offset` does to `minute`.
    @inline(__always)
    private func isInSeed(_ minute: Minute, offset: Int64) -> Bool {
        minute < knownFrom && offset < seedWatermark
    }

    private mutating func foldCorrection(
        _ correction: DecodedCorrection, of record: LogRecord, into diversions: inout [Diversion]
    ) {
        guard unsafe record.timestamp != LogRecord.noTimestamp else {
            return unsafe reject(record, .timestamp, into: &diversions)
        }
        let timestamp = unsafe Self.clamped(record.timestamp)
        guard isReached(correction.minute, at: timestamp) else { return count(.future) }
        // A correction does not move log time; before any, the record's own time is all there is.
        let present =
            logTimeMilliseconds == Self.noLogTime
            ? UnixTime(milliseconds: timestamp).minute : Minute(logMinute)
        let isLate = correction.minute <= present.advanced(by: -Limits.retainedMinutes)
        let current = ring.value(minute: correction.minute, currency: correction.currency)
        let applies = !isLate && current.correction == correction.before
        let (sum, overflow) = current.correction.addingReportingOverflow(correction.delta)
        if applies, overflow || sum.magnitude > Limits.sumMagnitude.magnitude,
            ids.peek(
                correction.id, contentCheck: correction.contentCheck, at: present.number) == .fresh
        {
            return unsafe reject(record, .overflow, into: &diversions)
        }
        ids.advance(to: present.number)
        guard ids.sight(correction.id, contentCheck: correction.contentCheck) == .fresh else {
            return count(.duplicate)
        }
        guard !isLate else { return count(.late) }
        if unsafe isInSeed(correction.minute, offset: record.offset) { return count(.applied) }
        guard applies else { return count(.void) }
        _ = unsafe ring.correct(
            by: correction.delta, minute: correction.minute, currency: correction.currency,
            offset: record.offset)
        greatestGivenMinute = max(greatestGivenMinute ?? correction.minute, correction.minute)
        count(.applied)
    }

    /// Whether a record of this time may correct the bucket: it does not lie too far ahead.
    private func isReached(_ minute: Minute, at timestamp: Int64) -> Bool {
        minute.start.milliseconds
            <= max(timestamp, logTimeMilliseconds) + Self.futureMilliseconds
    }

    private mutating func foldMarker(
        _ marker: LedgerMarker, of record: LogRecord, into diversions: inout [Diversion]
    ) {
        guard unsafe record.timestamp != LogRecord.noTimestamp else {
            return unsafe reject(record, .timestamp, into: &diversions)
        }
        guard let shown = unsafe advancedLogTime(marker.markedAt.milliseconds, record: record)
        else { return count(.future) }
        advance(to: shown)
        count(.marker)
        keep(marker)
    }

    /// The greatest marker of one ledger; another ledger's or timeline's begins anew.
    private mutating func keep(_ marker: LedgerMarker) {
        if let kept = self.marker, kept.system == marker.system,
            kept.timeline == marker.timeline, kept.lsn >= marker.lsn
        {
            return
        }
        self.marker = marker
    }

    /// Before the fold begins a record counts for nothing, but its id is known and it moves log
    /// time. Of what the fold would reject, the id is not known here either.
    private mutating func remember(_ record: LogRecord) {
        counters.remembered &+= 1
        var transfer = DecodedTransfer.none
        switch unsafe decoder.decode(record.value, into: &transfer) {
        case .transfer:
            let settledAt = transfer.settledAt.milliseconds
            guard let shown = unsafe advancedLogTime(settledAt, record: record),
                case .success(let amount) = isoAmount(transfer), amount <= Limits.sumMagnitude
            else { return }
            advance(to: shown)
            _ = ids.sight(transfer.id, contentCheck: transfer.contentCheck)
        case .correction(let correction):
            guard logTimeMilliseconds != Self.noLogTime,
                unsafe record.timestamp != LogRecord.noTimestamp,
                unsafe isReached(correction.minute, at: Self.clamped(record.timestamp))
            else { return }
            _ = ids.sight(correction.id, contentCheck: correction.contentCheck)
        case .marker(let marker):
            let markedAt = marker.markedAt.milliseconds
            guard let shown = unsafe advancedLogTime(markedAt, record: record) else { return }
            advance(to: shown)
            keep(marker)
        case .ignored, .rejected:
            return
        }
    }

    /// Log time once a transfer or marker of time `event` is taken; nil where it lies too far ahead
    /// of both its record's timestamp and log time, or where the record has no timestamp.
    @inline(__always)
    private func advancedLogTime(_ event: Int64, record: LogRecord) -> UnixTime? {
        guard unsafe record.timestamp != LogRecord.noTimestamp else { return nil }
        let timestamp = unsafe Self.clamped(record.timestamp)
        guard event <= max(timestamp, logTimeMilliseconds) &+ Self.futureMilliseconds else {
            return nil
        }
        // One bad clock cannot move it alone: both the stamp and the event must be late.
        let contribution = min(timestamp, event &+ Self.futureMilliseconds)
        return UnixTime(milliseconds: max(logTimeMilliseconds, contribution))
    }

    @inline(__always)
    private mutating func advance(to time: UnixTime) {
        guard time.milliseconds != logTimeMilliseconds else { return }
        let isFirst = logTimeMilliseconds == Self.noLogTime
        logTimeMilliseconds = time.milliseconds
        let minute = time.minute.number
        guard minute != logMinute || isFirst else { return }
        logMinute = minute
        ids.advance(to: minute)
    }

    /// A broker's timestamp within bounds that no later sum can leave.
    @inline(__always)
    private static func clamped(_ timestamp: Int64) -> Int64 {
        min(max(timestamp, -(1 << 60)), 1 << 60)
    }

    /// The amount in ISO minor units.
    @inline(__always)
    private func isoAmount(_ transfer: DecodedTransfer) -> Result<Int64, RejectReason> {
        guard !settings.scaleByCurrency.isEmpty else { return .success(transfer.amount) }
        var scale = settings.scaleByCurrency[Int(transfer.currency.index)]
        var amount = transfer.amount
        while scale < 0 {
            let (quotient, remainder) = amount.quotientAndRemainder(dividingBy: 10)
            guard remainder == 0 else { return .failure(.precision) }
            amount = quotient
            scale += 1
        }
        while scale > 0 {
            let (product, overflow) = amount.multipliedReportingOverflow(by: 10)
            guard !overflow else { return .failure(.overflow) }
            amount = product
            scale -= 1
        }
        return .success(amount)
    }

    @inline(never)
    private mutating func reject(
        _ record: LogRecord, _ reason: RejectReason, into diversions: inout [Diversion]
    ) {
        counters.rejected[Int(reason.rawValue)] += 1
        unsafe diversions.append(Diversion(offset: record.offset, cause: .rejected(reason)))
    }

    private mutating func count(_ outcome: ControlOutcome) {
        counters.control[Int(outcome.rawValue)] += 1
    }

    /// Whether the record that HQ remembers is the one the log holds.
    private mutating func compare(_ record: LogRecord) {
        guard let expected else { return }
        if unsafe Self.fingerprint(of: record) != expected.fingerprint { hasForeignRecord = true }
    }

    private static func fingerprint(of record: LogRecord) -> Fingerprint {
        unsafe Fingerprint(
            timestamp: record.timestamp, crc: record.value.map { unsafe CRC32C.checksum($0) } ?? 0)
    }
}
