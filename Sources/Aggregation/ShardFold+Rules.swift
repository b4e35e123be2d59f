import CivilTime
import DeltaProtocol
import Money

/// The fold's rules, in order. Each record ends in exactly one outcome.
extension ShardFold {
    /// Folds the next records of the partition, in offset order, and skips those below the
    /// coverage. Adds records that also go to the dead-letter topic to `diversions`.
    package mutating func fold(
        _ records: UnsafeBufferPointer<LogRecord>, into diversions: inout [Diversion]
    ) {
        var start = 0
        while start < records.count, unsafe records[start].offset < coverage { start &+= 1 }
        unsafe settleIDsFrom(before: records[start...])
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
        // Decode ahead. Anything but a compact transfer is decoded later, in its turn.
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
        // Read the id table's cache lines in a separate loop: between two decodings there is too
        // much work for the processor to look ahead, and it would wait for each miss by itself.
        var lines: UInt64 = 0
        for place in 0..<range.count { lines &+= unsafe ids.touch(decoded[place].id) }
        touched = lines
        for index in range {
            let record = unsafe records[index]
            let place = index &- range.lowerBound
            if unsafe record.offset <= lastExpected, unsafe isExpected(record.offset) {
                unsafe compare(Self.fingerprint(of: record))
            }
            if let foldFrom, unsafe record.timestamp < foldFrom {
                unsafe remember(record, into: &diversions)
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

    /// Folds anything but a transfer in compact form.
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
        let place: TransferPlace
        switch unsafe sight(transfer, of: record) {
        case .fresh(let found): place = found
        case .repeated:
            counters.duplicate &+= 1
            return
        case .conflicting:
            counters.duplicate &+= 1
            counters.conflicts &+= 1
            unsafe diversions.append(Diversion(offset: record.offset, cause: .conflict))
            return
        case .rejected(let reason): return unsafe reject(record, reason, into: &diversions)
        }
        let isUnknown = place.target < idsFrom
        if isUnknown, unsafe record.offset < seedWatermark {
            // The seed already contains it.
            if place.isLate { counters.late &+= 1 } else { counters.applied &+= 1 }
            return
        }
        let minute = Minute(place.target)
        let currency = transfer.currency
        if place.isLate || isUnknown {
            if lateRing.wouldOverflow(amount: place.amount, minute: minute, currency: currency) {
                return unsafe reject(record, .overflow, into: &diversions)
            }
            counters.late &+= 1
            if !place.isLate { counters.unproven &+= 1 }
            if unsafe !lateRing.add(
                amount: place.amount, minute: minute, currency: currency, offset: record.offset)
            {
                unsafe miss(place.amount, currency, record)
            }
        } else {
            if ring.wouldOverflow(amount: place.amount, minute: minute, currency: currency) {
                return unsafe reject(record, .overflow, into: &diversions)
            }
            counters.applied &+= 1
            if unsafe !ring.add(
                amount: place.amount, minute: minute, currency: currency, offset: record.offset)
            {
                unsafe miss(place.amount, currency, record)
            }
        }
    }

    @inline(never)
    private mutating func miss(_ amount: Int64, _ currency: Currency, _ record: LogRecord) {
        missed.add(settled: amount, transfers: 1, of: currency, offset: unsafe record.offset)
    }

    /// Where a transfer goes, decided by its own record alone.
    private struct TransferPlace {
        /// In ISO minor units; 1 to `Limits.sumMagnitude`.
        var amount: Int64
        /// The minute of its settlement or, if it is late, of its stamp.
        var target: Int32
        /// True if its minute is more than 25 h before its stamp.
        var isLate: Bool
    }

    private enum Sighting {
        case fresh(TransferPlace)
        case repeated
        case conflicting
        case rejected(RejectReason)
    }

    /// The rules that do not read the bucket. Every transfer that its own record does not rule out
    /// is sighted, whatever its outcome.
    @inline(__always)
    private mutating func sight(
        _ transfer: DecodedTransfer, of record: LogRecord
    ) -> Sighting {
        let amount: Int64
        switch isoAmount(transfer) {
        case .success(let scaled): amount = scaled
        case .failure(let reason): return .rejected(reason)
        }
        guard amount <= Limits.sumMagnitude else { return .rejected(.amount) }
        let stamp = unsafe record.timestamp
        guard Self.hasSoundStamp(stamp) else { return .rejected(.timestamp) }
        guard transfer.settledAt.milliseconds <= stamp &+ Self.futureMilliseconds else {
            return .rejected(.future)
        }
        let present = stampMinute(of: stamp)
        let liveAfter = present &- Int32(Limits.retainedMinutes)
        let minute = transfer.settledAt.minute.number
        let isLate = minute <= liveAfter
        let place = TransferPlace(
            amount: amount, target: isLate ? present : minute, isLate: isLate)
        switch ids.sight(
            transfer.id, contentCheck: transfer.contentCheck, minute: place.target,
            liveAfter: liveAfter)
        {
        case .fresh: return .fresh(place)
        case .repeated: return .repeated
        case .conflicting: return .conflicting
        }
    }

    /// The minute of a valid stamp, cached because the next stamp is usually in the same minute.
    @inline(__always)
    private mutating func stampMinute(of stamp: Int64) -> Int32 {
        let inside = stamp &- stampMinute.start
        if inside < 0 || inside >= 60_000 {
            let number = stamp / 60_000
            stampMinute = (number &* 60_000, Int32(truncatingIfNeeded: number))
        }
        return stampMinute.number
    }

    /// True if a record has a stamp in the years 2000 to 2200.
    @inline(__always)
    static func hasSoundStamp(_ stamp: Int64) -> Bool {
        stamp >= Self.firstStamp && stamp < Self.endOfStamps
    }

    /// 2000-01-01 and 2201-01-01, in milliseconds since 1970.
    private static let firstStamp: Int64 = 946_684_800_000
    private static let endOfStamps: Int64 = 7_289_654_400_000

    private mutating func foldCorrection(
        _ correction: DecodedCorrection, of record: LogRecord, into diversions: inout [Diversion]
    ) {
        switch unsafe sight(correction, of: record) {
        case .control(let outcome): return count(outcome)
        case .rejected(let reason): return unsafe reject(record, reason, into: &diversions)
        case .fresh: break
        }
        if correction.minute.number < idsFrom, unsafe record.offset < seedWatermark {
            return count(.applied)
        }
        let current = ring.value(minute: correction.minute, currency: correction.currency)
        guard current.correction == correction.before else { return count(.void) }
        let isApplied = unsafe ring.correct(
            by: correction.delta, minute: correction.minute, currency: correction.currency,
            offset: record.offset)
        guard isApplied else { return unsafe reject(record, .overflow, into: &diversions) }
        count(.applied)
    }

    private enum CorrectionSighting {
        case fresh
        case control(ControlOutcome)
        case rejected(RejectReason)
    }

    /// The rules for corrections that do not read the bucket.
    private mutating func sight(
        _ correction: DecodedCorrection, of record: LogRecord
    ) -> CorrectionSighting {
        let stamp = unsafe record.timestamp
        guard Self.hasSoundStamp(stamp) else { return .rejected(.timestamp) }
        guard correction.minute.start.milliseconds <= stamp + Self.futureMilliseconds else {
            return .control(.future)
        }
        let present = stampMinute(of: stamp)
        let liveAfter = present - Int32(Limits.retainedMinutes)
        let sighting = ids.sight(
            correction.id, contentCheck: correction.contentCheck, minute: present,
            liveAfter: liveAfter)
        guard sighting == .fresh else { return .control(.duplicate) }
        guard correction.minute.number > liveAfter else { return .control(.late) }
        // The memory may forget its id later, so it must not apply later either.
        guard stamp <= correction.issuedAt.milliseconds + Self.correctionMilliseconds else {
            return .control(.void)
        }
        return .fresh
    }

    private mutating func foldMarker(
        _ marker: LedgerMarker, of record: LogRecord, into diversions: inout [Diversion]
    ) {
        let stamp = unsafe record.timestamp
        guard Self.hasSoundStamp(stamp) else {
            return unsafe reject(record, .timestamp, into: &diversions)
        }
        guard marker.markedAt.milliseconds <= stamp + Self.futureMilliseconds else {
            return count(.future)
        }
        count(.marker)
        keep(marker)
    }

    /// Keeps the greatest marker of a ledger: within one system the timeline only rises. A marker
    /// of another system replaces it.
    private mutating func keep(_ marker: LedgerMarker) {
        if let kept = self.marker, kept.system == marker.system,
            (kept.timeline, kept.lsn) >= (marker.timeline, marker.lsn)
        {
            return
        }
        self.marker = marker
    }

    /// Reads a record before the fold begins, for its id alone. Rejected records are still
    /// reported, because possibly no node has read them before.
    private mutating func remember(_ record: LogRecord, into diversions: inout [Diversion]) {
        var transfer = DecodedTransfer.none
        switch unsafe decoder.decode(record.value, into: &transfer) {
        case .transfer:
            switch unsafe sight(transfer, of: record) {
            case .fresh(let place):
                // Older than every minute held, and possibly never pushed.
                unsafe miss(place.amount, transfer.currency, record)
            case .repeated: break
            case .conflicting:
                unsafe diversions.append(Diversion(offset: record.offset, cause: .conflict))
            case .rejected(let reason):
                return unsafe reject(record, reason, into: &diversions)
            }
        case .correction(let correction):
            if case .rejected(let reason) = unsafe sight(correction, of: record) {
                return unsafe reject(record, reason, into: &diversions)
            }
        case .marker(let marker):
            let stamp = unsafe record.timestamp
            guard Self.hasSoundStamp(stamp) else {
                return unsafe reject(record, .timestamp, into: &diversions)
            }
            if marker.markedAt.milliseconds <= stamp + Self.futureMilliseconds { keep(marker) }
        case .ignored: break
        case .rejected(let reason): return unsafe reject(record, reason, into: &diversions)
        }
        counters.remembered &+= 1
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

    private static func fingerprint(of record: LogRecord) -> Fingerprint {
        unsafe Fingerprint(
            offset: record.offset, timestamp: record.timestamp,
            crc: record.value.map { unsafe CRC32C.checksum($0) } ?? 0)
    }
}
