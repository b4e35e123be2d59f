import Aggregation
import CivilTime
import DeltaCodec
import DeltaProtocol
import Federation
import Identifiers
import RegionCore

/// Feeds a recording's events to the same types and compares the resulting actions.
package enum Replay {
    /// The result of replaying a recording.
    package struct Report: Sendable {
        /// `node` or `rounds`.
        package var kind = ""
        package var events = 0
        package var actions = 0
        /// The number of actions of each kind, by name.
        package var actionsByKind: [String: Int] = [:]
        /// True if the file ends within an entry, as after a kill of the process.
        package var isCut = false
        /// Describes the first entry whose actions differ; nil if none do.
        package var difference: String?
    }

    /// - Throws: `RecordingError` for bytes that are not a recording.
    package static func run(_ bytes: [UInt8]) throws -> Report {
        var entries = EntryReader(bytes)
        guard let first = entries.next() else {
            throw RecordingError("expected a recording; the file has no complete entry")
        }
        do {
            var reader = FieldReader(first)
            switch RecordingKind(rawValue: try reader.text()) {
            case .node: return try NodeReplay(&reader).run(&entries)
            case .rounds:
                var replay = RoundReplay()
                return try replay.run(&entries)
            case nil: throw NotARecording()
            }
        } catch is NotARecording {
            throw RecordingError("expected a recording of this version; entry \(entries.count)")
        } catch let error as DeltaCodecError {
            throw RecordingError("entry \(entries.count): \(error)")
        }
    }
}

/// Splits a recording into entries.
struct EntryReader {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var count = 0
    private(set) var isCut = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next entry; nil at the end, or if the last entry is incomplete.
    mutating func next() -> ArraySlice<UInt8>? {
        guard position < bytes.count else { return nil }
        var reader = FieldReader(bytes[position...])
        guard let entry = try? reader.content() else {
            isCut = true
            return nil
        }
        position = reader.position
        count += 1
        return entry
    }
}

/// Compares recorded actions with replayed ones.
private struct Comparison {
    var report = Replay.Report()

    /// Compares one action.
    ///
    /// - Returns: False if they differ.
    mutating func compare(
        _ recorded: ArraySlice<UInt8>, _ replayed: [UInt8], entry: Int, what: String, name: String
    ) -> Bool {
        report.actions += 1
        report.actionsByKind[name, default: 0] += 1
        guard !recorded.elementsEqual(replayed) else { return true }
        let place = zip(recorded, replayed).prefix { $0 == $1 }.count
        return differ(
            """
            entry \(entry), \(what): an action of \(recorded.count) bytes was recorded, \
            \(name) of \(replayed.count) bytes follows now; they differ from byte \(place) on
            """)
    }

    mutating func differ(_ what: String) -> Bool {
        report.difference = what
        return false
    }
}

private struct NodeReplay: ~Copyable {
    private var node: RegionNode
    private var comparison = Comparison()
    /// Actions that the node issued and that have not been compared yet, the next first.
    private var wanted: ArraySlice<RegionAction> = []
    private var lastEvent = ""
    private var hasEnded = false

    init(_ reader: inout FieldReader) throws {
        guard try reader.unsigned() == UInt64(NodeEntry.settings.rawValue) else {
            throw NotARecording()
        }
        node = RegionNode(try reader.nodeSettings())
        comparison.report.kind = "node"
    }

    consuming func run(_ entries: inout EntryReader) throws -> Replay.Report {
        while let entry = entries.next() {
            guard try take(entry, number: entries.count) else { break }
        }
        comparison.report.isCut = entries.isCut
        if hasEnded, let undone = wanted.first, comparison.report.difference == nil {
            _ = comparison.differ("\(lastEvent) caused \(undone.kind), which was not performed")
        }
        return comparison.report
    }

    /// - Returns: False if the recording differs.
    private mutating func take(_ entry: ArraySlice<UInt8>, number: Int) throws -> Bool {
        var reader = FieldReader(entry)
        switch NodeEntry(rawValue: UInt8(clamping: try reader.unsigned())) {
        case .event:
            let now = try reader.time()
            let event = try reader.regionEvent()
            // All actions are performed before time passes.
            if case .turn = event, let undone = wanted.first {
                return comparison.differ(
                    "entry \(number): \(lastEvent) caused \(undone.kind), which was not performed")
            }
            lastEvent = "\(event.kind) at \(now.milliseconds)"
            comparison.report.events += 1
            node.handle(event, at: now, into: &actions)
        case .records:
            let partition: Int32 = try reader.integer()
            lastEvent = "records of partition \(partition)"
            comparison.report.events += 1
            try fold(&reader, of: partition)
        case .action:
            guard let action = wanted.popFirst() else {
                return comparison.differ(
                    "entry \(number): the action after \(lastEvent) was not caused by any event")
            }
            if case .end = action { hasEnded = true }
            var replayed = FieldWriter()
            replayed.write(action)
            return comparison.compare(
                entry[reader.position...], replayed.bytes, entry: number,
                what: "after \(lastEvent)", name: "\(action.kind)")
        case .settings, nil: throw NotARecording()
        }
        wanted += actions
        actions.removeAll(keepingCapacity: true)
        return true
    }

    private var actions: [RegionAction] = []

    private mutating func fold(_ reader: inout FieldReader, of partition: Int32) throws {
        let areProducerStamped = try reader.flag()
        let contents = try reader.list { reader in
            (
                offset: try reader.integer(Int64.self), stamp: try reader.integer(Int64.self),
                value: try reader.optional { Array(try $0.content()) }
            )
        }
        // Concatenate the values, so that their addresses stay valid.
        let bytes = contents.flatMap { $0.value ?? [] }
        bytes.withUnsafeBytes { bytes in
            var start = 0
            let records = contents.map { content in
                defer { start += content.value?.count ?? 0 }
                return LogRecord(
                    offset: content.offset, timestamp: content.stamp,
                    value: content.value.map {
                        UnsafeRawBufferPointer(rebasing: bytes[start..<start + $0.count])
                    })
            }
            records.withUnsafeBufferPointer {
                node.fold(
                    $0, of: partition, areProducerStamped: areProducerStamped, into: &actions)
            }
        }
    }
}

private struct RoundReplay {
    private var memory = CommitMemory()
    private var rounds: [Int: CommitRound] = [:]
    private var comparison = Comparison()

    mutating func run(_ entries: inout EntryReader) throws -> Replay.Report {
        comparison.report.kind = "rounds"
        while let entry = entries.next() {
            guard try take(entry, number: entries.count) else { break }
        }
        comparison.report.isCut = entries.isCut
        return comparison.report
    }

    private mutating func take(_ entry: ArraySlice<UInt8>, number: Int) throws -> Bool {
        var reader = FieldReader(entry)
        switch RoundEntry(rawValue: UInt8(clamping: try reader.unsigned())) {
        case .request:
            let round: Int = try reader.integer()
            let now = try reader.time()
            let request = try DeltaCodec.decodeRequest(Array(reader.content())).request
            rounds[round] = CommitRound(request, settings: try reader.roundSettings(), now: now)
            return true
        case .asked:
            let region = try reader.id(RegionID.self)
            let carrier = try DeltaCodec.decodeReply(Array(reader.content()))
            for command in carrier.commands { _ = memory.commands.ask(command, of: region) }
            return true
        case .event:
            return try takeEvent(&reader, entry, number: number)
        case nil: throw NotARecording()
        }
    }

    private mutating func takeEvent(
        _ reader: inout FieldReader, _ entry: ArraySlice<UInt8>, number: Int
    ) throws -> Bool {
        let round: Int = try reader.integer()
        let now = try reader.time()
        let event = try reader.roundEvent()
        guard let action = rounds[round]?.handle(event, at: now, memory: &memory) else {
            throw NotARecording()
        }
        switch action {
        case .answer, .giveUp: rounds[round] = nil
        default: break
        }
        comparison.report.events += 1
        var replayed = FieldWriter()
        replayed.write(action)
        return comparison.compare(
            entry[reader.position...], replayed.bytes, entry: number,
            what: "after \(event.kind) of round \(round)", name: "\(action.kind)")
    }
}
