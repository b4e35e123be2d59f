import Aggregation
import DeltaProtocol
import Money
import RegionCore

/// The producers: decide what to write next, write it, and report its meaning to the truth.
struct RecordAuthor {
    /// A transfer that can be repeated.
    private struct Original {
        var meaning: TransferMeaning
        var lastOffset: Int64
    }

    /// The records written to one shard.
    private struct Memory {
        var originals: [Original] = []
        var corrections: [CorrectionMeaning] = []
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
    /// By shard, true if it receives its region's corrections.
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

    /// The result of an append, for the probes.
    struct Written {
        var kind: RecordKind
        var offset: Int64
        var result: NaiveFold.Result
        /// The offset at which the id was last written; nil for a new id.
        var repeats: Int64?

        var outcome: NaiveFold.Outcome { result.outcome }
    }

    /// Appends one record to shard `shard` at the time `appendedAt`.
    mutating func write(
        shard: Int, at appendedAt: Int64, log: inout PartitionLog, truth: inout ShardTruth
    ) -> Written {
        let kind = random.pick(kinds)
        switch kind {
        case .repeatNear, .repeatFar, .conflict, .redated:
            if let index = pickOriginal(kind, shard: shard) {
                return writeAgain(
                    kind, index, shard: shard, at: appendedAt, log: &log, truth: &truth)
            }
        case .correction, .staleCorrection, .repeatedCorrection, .oldCorrection:
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

    /// Appends the record of a correction requested at HQ, as a node wrote it.
    mutating func write(
        _ correction: CorrectionMeaning, record: [UInt8], at appendedAt: Int64,
        log: inout PartitionLog, truth: inout ShardTruth
    ) -> Written {
        append(
            .correction, .correction(correction), stamp: appendedAt, at: appendedAt, log: &log,
            truth: &truth
        ) { $0.bytes += record }
    }

    /// Rewrites the log from an index on, with at least as many transfers as it has records. The
    /// truth learns nothing of it.
    mutating func recreate(
        _ log: inout PartitionLog, from first: Int, andMore count: Int, at now: Int64
    ) {
        let code = options.currencies[0].code
        var id = nextID
        log.replaceValues(from: first) { entry, bytes in
            id += 1
            Self.writeForeign(id, code, settledAt: entry.appendedAt, into: &bytes)
        }
        for _ in 0..<count {
            id += 1
            let added = id
            _ = log.append(stamp: now, appendedAt: now) {
                Self.writeForeign(added, code, settledAt: now, into: &$0)
            }
        }
        nextID = id
    }

    private static func writeForeign(
        _ id: Int, _ code: String, settledAt: Int64, into bytes: inout [UInt8]
    ) {
        var text = RecordText(bytes: bytes)
        bytes = []
        text.write(transfer: id, code: code, amount: Int64(id), settledAt: settledAt)
        bytes = text.bytes
    }

    private mutating func append(
        _ kind: RecordKind, _ meaning: Meaning, stamp: Int64, at appendedAt: Int64,
        log: inout PartitionLog, truth: inout ShardTruth, write: ((inout RecordText) -> Void)?
    ) -> Written {
        var stamp = stamp
        if stamp == appendedAt { stamp += log.clockError }
        if options.disorder > 0, stamp == appendedAt, random.happens(perMille: 300) {
            // Two stamps differ by no more than the topic allows.
            stamp += random.within(-options.disorder / 2...options.disorder / 2)
        }
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
        let result = truth.take(meaning, offset: offset, stamp: stamp)
        return Written(kind: kind, offset: offset, result: result)
    }

    // MARK: - Transfers

    private mutating func writeFresh(
        _ kind: RecordKind, shard: Int, at appendedAt: Int64, log: inout PartitionLog,
        truth: inout ShardTruth
    ) -> Written {
        nextID += 1
        var transfer = TransferMeaning(
            id: nextID, column: random.below(options.currencies.count),
            // 40 random bits, so that a wrong sum identifies its cause.
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
        case .wrongClock:
            // Its producer's clock is off, for the stamp and the settlement alike.
            let hours: Int64 = random.happens(perMille: 500) ? 30 * 24 : 24
            let error = random.within(Self.hour...hours * Self.hour)
            stamp += random.happens(perMille: 500) ? error : -error
            transfer.settledAt += stamp - appendedAt
        case .noStamp: stamp = PartitionLog.Entry.noStamp
        case .huge:
            transfer.amount = Limits.sumMagnitude - Int64(random.next() >> 24)
            // In the same place as others, so that they share a bucket.
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
        if written.result.cell != nil {
            memories[shard].originals.append(
                Original(meaning: transfer, lastOffset: written.offset))
        }
        return written
    }

    private mutating func write(
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

    /// The last transfers that were first written to a shard, in order.
    func last(_ count: Int, of shard: Int) -> [TransferMeaning] {
        memories[shard].originals.suffix(count).map(\.meaning)
    }

    /// Appends a transfer of another shard.
    mutating func repeatTransfer(
        _ transfer: TransferMeaning, shard: Int, at appendedAt: Int64, log: inout PartitionLog,
        truth: inout ShardTruth
    ) -> Written {
        let written = write(
            transfer, as: .repeatNear, stamp: appendedAt, at: appendedAt, log: &log,
            truth: &truth)
        memories[shard].originals.append(
            Original(meaning: transfer, lastOffset: written.offset))
        return written
    }

    /// A transfer to repeat; retention may have removed it.
    private mutating func pickOriginal(_ kind: RecordKind, shard: Int) -> Int? {
        let originals = memories[shard].originals
        guard !originals.isEmpty else { return nil }
        let near = max(0, originals.count - 12)
        return switch kind {
        case .repeatNear: near + random.below(originals.count - near)
        case .repeatFar: random.below(near + 1)
        default: random.below(originals.count)
        }
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
        written.repeats = original.lastOffset
        memories[shard].originals[index].lastOffset = written.offset
        return written
    }

    // MARK: - Control records and worse

    private mutating func writeCorrection(
        _ kind: RecordKind, shard: Int, at appendedAt: Int64, log: inout PartitionLog,
        truth: inout ShardTruth
    ) -> Written {
        var correction: CorrectionMeaning
        if kind == .repeatedCorrection, let last = memories[shard].corrections.last {
            correction = last
        } else {
            nextCorrection += 1
            let originals = memories[shard].originals
            let meaning = originals.isEmpty ? nil : random.pick(originals).meaning
            let minute = NaiveFold.minute(
                meaning?.settledAt ?? appendedAt - random.within(0...60 * Self.minute))
            let column = meaning?.column ?? 0
            let cell = NaiveFold.Cell(isLate: false, minute: minute, column: column)
            let standing = truth.fold.value(of: cell).correction
            let age =
                kind == .oldCorrection
                ? 11 * Self.minute...60 * Self.minute : 0...9 * Self.minute
            correction = CorrectionMeaning(
                id: nextCorrection, column: column, minute: minute,
                delta: Int64(random.next() >> 34) - 1 << 28,
                before: standing + (kind == .staleCorrection ? 1 : 0),
                issuedAt: appendedAt - random.within(age))
        }
        let code = options.currencies[correction.column].code
        var stamp = appendedAt
        if options.mix[RecordKind.wrongClock.rawValue] > 0, kind == .correction,
            random.happens(perMille: 200)
        {
            // A clock that is hours ahead also dates its issue.
            let ahead = random.within(1...30) * Self.hour
            stamp += ahead
            correction.issuedAt += ahead
            correction.minute += Int32(ahead / Self.minute)
        }
        let written = append(
            kind, .correction(correction), stamp: stamp, at: appendedAt, log: &log,
            truth: &truth
        ) { $0.write(correction: correction, code: code) }
        memories[shard].corrections.append(correction)
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
