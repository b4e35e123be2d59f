import Aggregation
import DeltaProtocol
import Money
import RegionCore

/// The producers: decide what is written next, write it, and tell the truth what it means.
struct RecordAuthor {
    /// A transfer that can be repeated.
    private struct Original {
        var meaning: TransferMeaning
        var lastOffset: Int64
        var lastAppendedAt: Int64
    }

    /// What was written into one shard.
    private struct Memory {
        var originals: [Original] = []
        var corrections: [(meaning: CorrectionMeaning, offset: Int64)] = []
    }

    private static let hour: Int64 = 3_600_000
    private static let minute: Int64 = 60_000

    private let options: SeedOptions
    private let kinds: [RecordKind]
    private var random: RandomStream
    private var memories: [Memory]
    private var nextID = 0
    private var nextCorrection = 0
    private var position: UInt32 = 0x1000
    /// Of each shard, whether it takes its region's corrections.
    private let takesCorrections: [Bool]

    init(options: SeedOptions, takesCorrections: [Bool]) {
        self.options = options
        self.takesCorrections = takesCorrections
        random = RandomStream(seed: options.seed, part: .author)
        memories = [Memory](repeating: Memory(), count: takesCorrections.count)
        kinds = zip(RecordKind.allCases, options.mix).flatMap { kind, weight in
            [RecordKind](repeating: kind, count: weight)
        }
    }

    /// What an append came to, for the probes.
    struct Written {
        var kind: RecordKind
        var offset: Int64
        var outcome: NaiveFold.Outcome
        /// How long before the id was written last, in milliseconds; 0 for a new one.
        var repeatedAfter: Int64 = 0
    }

    /// Appends one record to shard `shard` at the time `appendedAt`.
    mutating func write(
        shard: Int, at appendedAt: Int64, log: inout PartitionLog, truth: inout ShardTruth
    ) -> Written {
        let drawn = random.pick(kinds)
        // A log whose records are all gone goes on with a timely one; corrections are none.
        let kind = log.isTimeless && log.low > 0 ? .fresh : drawn
        switch kind {
        case .repeatNear, .repeatFar, .conflict, .redated:
            if let index = pickOriginal(kind, shard: shard, at: appendedAt, log: log) {
                return writeAgain(
                    kind, index, shard: shard, at: appendedAt, log: &log, truth: &truth)
            }
        case .correction, .staleCorrection, .repeatedCorrection:
            if takesCorrections[shard] {
                return writeCorrection(
                    kind, shard: shard, at: appendedAt, log: &log, truth: &truth)
            }
        case .marker:
            return writeMarker(at: appendedAt, log: &log, truth: &truth)
        case .malformed, .ignored, .imprecise:
            return writeUseless(kind, at: appendedAt, log: &log, truth: &truth)
        default: break
        }
        return writeFresh(kind, shard: shard, at: appendedAt, log: &log, truth: &truth)
    }

    /// Appends a marker of the relay.
    mutating func writeMarker(
        at appendedAt: Int64, log: inout PartitionLog, truth: inout ShardTruth
    ) -> Written {
        position += 1
        let position = position
        return append(
            .marker, .marker(markedAt: appendedAt), stamp: appendedAt, at: appendedAt,
            log: &log, truth: &truth
        ) { $0.write(marker: position, markedAt: appendedAt) }
    }

    /// Appends the record of a correction that HQ asked for, as a node wrote it.
    mutating func write(
        _ correction: CorrectionMeaning, record: [UInt8], at appendedAt: Int64,
        log: inout PartitionLog, truth: inout ShardTruth
    ) -> Written {
        append(
            .correction, .correction(correction), stamp: appendedAt, at: appendedAt, log: &log,
            truth: &truth
        ) { $0.bytes += record }
    }

    /// Writes the log anew, with as many transfers as it has records. Nothing is told the truth.
    mutating func recreate(_ log: inout PartitionLog) {
        log.replaceValues { entry, bytes in
            nextID += 1
            var text = RecordText(bytes: bytes)
            bytes = []
            text.write(
                transfer: nextID, code: options.currencies[0].code, amount: Int64(nextID),
                settledAt: entry.appendedAt)
            bytes = text.bytes
        }
    }

    private func append(
        _ kind: RecordKind, _ meaning: Meaning, stamp: Int64, at appendedAt: Int64,
        log: inout PartitionLog, truth: inout ShardTruth, write: ((inout RecordText) -> Void)?
    ) -> Written {
        let offset = log.append(
            stamp: stamp, appendedAt: appendedAt,
            write: write.map { write in
                { bytes in
                    var text = RecordText(bytes: bytes)
                    bytes = []
                    write(&text)
                    bytes = text.bytes
                }
            })
        let outcome = truth.take(meaning, offset: offset, stamp: stamp)
        if truth.fold.logTime == stamp { log.noteTimely() }
        return Written(kind: kind, offset: offset, outcome: outcome)
    }

    // MARK: - Transfers

    private mutating func writeFresh(
        _ kind: RecordKind, shard: Int, at appendedAt: Int64, log: inout PartitionLog,
        truth: inout ShardTruth
    ) -> Written {
        nextID += 1
        var transfer = TransferMeaning(
            id: nextID, column: random.below(options.currencies.count),
            // 40 random bits: a sum that is off names its culprit.
            amount: Int64(random.next() >> 24) + 1,
            settledAt: appendedAt - random.within(0...45_000))
        var stamp = appendedAt
        switch kind {
        case .delayed: transfer.settledAt = appendedAt - random.within(1...24 * Self.hour)
        case .late:
            transfer.settledAt = appendedAt - random.within(25 * Self.hour...40 * Self.hour)
        case .ahead: transfer.settledAt = appendedAt + random.within(0...4 * Self.minute)
        case .future:
            transfer.settledAt =
                appendedAt + random.within(11 * Self.minute...90 * 24 * Self.hour)
        case .badStamp:
            let error = random.within(Self.minute...30 * Self.hour)
            stamp += random.happens(perMille: 500) ? error : -error
        case .noStamp: stamp = PartitionLog.Entry.noStamp
        case .huge:
            transfer.amount = Limits.sumMagnitude - Int64(random.next() >> 24)
            // Where others are, so that they meet.
            if let other = memories[shard].originals.last?.meaning {
                transfer.column = other.column
                transfer.settledAt = other.settledAt
            }
        default: break
        }
        if transfer.column == options.finerColumn { transfer.amount &= (1 << 48) - 1 }
        // Most producers write whole seconds; some do not.
        if !random.happens(perMille: 150) {
            transfer.settledAt -= (transfer.settledAt % 1_000 + 1_000) % 1_000
        }
        let written = write(
            transfer, as: kind, stamp: stamp, at: appendedAt, log: &log, truth: &truth)
        if written.outcome == .applied || written.outcome == .late {
            memories[shard].originals.append(
                Original(
                    meaning: transfer, lastOffset: written.offset, lastAppendedAt: appendedAt))
        }
        return written
    }

    private func write(
        _ transfer: TransferMeaning, as kind: RecordKind, stamp: Int64, at appendedAt: Int64,
        log: inout PartitionLog, truth: inout ShardTruth
    ) -> Written {
        let code = options.currencies[transfer.column].code
        let amount = transfer.amount * (transfer.column == options.finerColumn ? 10 : 1)
        return append(
            kind, .transfer(transfer), stamp: stamp, at: appendedAt, log: &log, truth: &truth
        ) { text in
            if kind == .changeEvent { text.write(#"{"payload":{"op":"c","after":"#) }
            text.write(
                transfer: transfer.id, code: code, amount: amount, settledAt: transfer.settledAt)
            if kind == .changeEvent { text.write("}}") }
        }
    }

    /// A transfer to write again. Where logs are cut, only one that the log still holds.
    private mutating func pickOriginal(
        _ kind: RecordKind, shard: Int, at appendedAt: Int64, log: PartitionLog
    ) -> Int? {
        let originals = memories[shard].originals
        guard !originals.isEmpty else { return nil }
        let near = max(0, originals.count - 12)
        let index =
            switch kind {
            case .repeatNear: near + random.below(originals.count - near)
            case .repeatFar: random.below(near + 1)
            default: random.below(originals.count)
            }
        return originals[index].lastOffset >= log.low ? index : nil
    }

    private mutating func writeAgain(
        _ kind: RecordKind, _ index: Int, shard: Int, at appendedAt: Int64,
        log: inout PartitionLog, truth: inout ShardTruth
    ) -> Written {
        let original = memories[shard].originals[index]
        var transfer = original.meaning
        switch kind {
        case .conflict: transfer.amount = Int64(random.next() >> 24) + 1
        case .redated:
            transfer.settledAt = appendedAt - random.within(0...45_000)
        default: break
        }
        var written = write(
            transfer, as: kind, stamp: appendedAt, at: appendedAt, log: &log, truth: &truth)
        written.repeatedAfter = appendedAt - original.lastAppendedAt
        log.note(pair: original.lastOffset, written.offset)
        memories[shard].originals[index].lastOffset = written.offset
        memories[shard].originals[index].lastAppendedAt = appendedAt
        return written
    }

    // MARK: - Control records and worse

    private mutating func writeCorrection(
        _ kind: RecordKind, shard: Int, at appendedAt: Int64, log: inout PartitionLog,
        truth: inout ShardTruth
    ) -> Written {
        let known = memories[shard].corrections
        var correction: CorrectionMeaning
        var earlier: Int64?
        if kind == .repeatedCorrection, let last = known.last, last.offset >= log.low {
            (correction, earlier) = last
        } else {
            nextCorrection += 1
            let originals = memories[shard].originals
            let meaning = originals.isEmpty ? nil : random.pick(originals).meaning
            let minute = NaiveFold.minute(
                meaning?.settledAt ?? appendedAt - random.within(0...60 * Self.minute))
            let column = meaning?.column ?? 0
            let cell = NaiveFold.Cell(isLate: false, minute: minute, column: column)
            let standing = truth.fold.value(of: cell).correction
            correction = CorrectionMeaning(
                id: nextCorrection, column: column, minute: minute,
                delta: Int64(random.next() >> 34) - 1 << 28,
                before: standing + (kind == .staleCorrection ? 1 : 0))
        }
        let code = options.currencies[correction.column].code
        let written = append(
            kind, .correction(correction), stamp: appendedAt, at: appendedAt, log: &log,
            truth: &truth
        ) { $0.write(correction: correction, code: code) }
        if let earlier { log.note(pair: earlier, written.offset) }
        memories[shard].corrections.append((correction, written.offset))
        return written
    }

    private mutating func writeUseless(
        _ kind: RecordKind, at appendedAt: Int64, log: inout PartitionLog,
        truth: inout ShardTruth
    ) -> Written {
        nextID += 1
        let id = nextID
        if kind == .ignored, random.happens(perMille: 500) {
            return append(
                kind, .ignored, stamp: appendedAt, at: appendedAt, log: &log, truth: &truth,
                write: nil)
        }
        let form = random.below(6)
        let meaning: Meaning = kind == .ignored ? .ignored : .malformed
        let isPadded = options.commandWait > 0
        let finer = options.finerColumn.map { options.currencies[$0].code } ?? "EUR"
        return append(
            kind, meaning, stamp: appendedAt, at: appendedAt, log: &log, truth: &truth
        ) { text in
            switch (kind, form) {
            case (.ignored, 0..<3):
                text.write(#"{"op":"d","before":{"state":"settled"},"after":null}"#)
            case (.ignored, _): text.write(#"{"op":"u","after":{"state":"pending"}}"#)
            case (.imprecise, _):
                text.write(transfer: id, code: finer, amount: 12_345, settledAt: appendedAt)
            case (_, 0): break
            case (_, 1):
                text.write("{")
                // Too large a letter for some topics; only in worlds that are new anyway.
                if isPadded {
                    text.write(String(repeating: " ", count: Letter.shortBytes))
                }
            case (_, 2): text.write(transfer: id, code: "eur", amount: 1, settledAt: appendedAt)
            case (_, 3): text.write(transfer: id, code: "EUR", amount: -5, settledAt: appendedAt)
            case (_, 4): text.write(transfer: id, code: "XQX", amount: 5, settledAt: appendedAt)
            default: text.write(#"{"transfer_id":"t","currency":"EUR"}"#)
            }
        }
    }
}
