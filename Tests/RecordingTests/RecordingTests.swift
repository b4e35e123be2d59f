import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import Foundation
import Hashing
import Identifiers
import Money
import Pacing
import Recording
import RegionCore
import Testing

/// A replay repeats a recording exactly and reports any deviation.
@Suite struct RecordingTests {
    static let log = LogID(unchecked: "main")
    static let region = RegionID(unchecked: "eu-west")
    static let start = UnixTime(seconds: 1_774_445_100)

    /// A temporary file that exists while `body` runs.
    static func withFile(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "recording-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appending(path: "a.recording").path)
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path)))
    }

    static var settings: RegionNodeSettings {
        RegionNodeSettings(
            region: region, node: "n1", log: log, partitionCount: 1,
            fold: FoldSettings(
                idKey: IDKey(low: 3, high: 4), exponents: [Currency(code: "JPY")!: 2],
                logs: [log], continuingLogs: [log], generation: 2), headquarters: 2, seed: 99)
    }

    /// The events of a short life: the node joins, folds good and bad records, pushes, is refused,
    /// stops.
    static func events(_ actions: [RegionAction]) -> [RegionEvent] {
        actions.compactMap { action in
            switch action {
            case .askFacts(let question, _, _):
                .facts(
                    question: question, .init(low: 0, high: 2, start: 0, startTimestamp: 5),
                    isProducerStamped: false)
            case .askStatuses(let hq, let question, _):
                .statuses(
                    hq: hq, question: question,
                    ShardStatuses(shards: [], serverTime: UnixTime(milliseconds: 0)))
            case .askCommitted(let question, _): .committed(question: question, [0: 1])
            case .askEnds(let question, _): .ends(question: question, [0: 2])
            case .push(let hq, let question, _):
                hq == 0
                    ? .noAnswer(
                        hq: hq, question: question,
                        .unknown(problem: "timeout", retryAfter: .milliseconds(1_500)))
                    : .noAnswer(hq: hq, question: question, .refused(problem: "403 no"))
            case .sendLetter(let letter):
                .letterRefused(letter.token, isTooLarge: false, problem: "closed")
            default: nil
            }
        }
    }

    /// Runs that life with a recorder. `hand` may perform another action than the node issued.
    static func live(
        _ path: String, hand: (RegionAction) -> RegionAction? = { $0 }
    ) throws -> Int {
        var node = RegionNode(settings)
        let recorder = NodeRecorder(try RecordingFile(path), settings: settings)
        var performed = 0
        var waiting: [RegionEvent] = [.assigned([0])]
        let values = [
            #"{"transfer_id":"a","currency":"JPY","amount_minor_units":500,"#
                + #""settled_at_utc":"2026-03-25T13:25:01Z"}"#, "{",
        ].map { Array($0.utf8) }
        for turn in 0..<13 {
            let now = start + Int64(turn) * 4_000
            var answers: [RegionEvent] = []
            for event in waiting + [turn == 11 ? .stop : .turn, .turn] {
                var actions: [RegionAction] = []
                recorder.note(event, at: now)
                node.handle(event, at: now, into: &actions)
                answers += events(actions)
                for action in actions {
                    guard let done = hand(action) else { continue }
                    recorder.note(done)
                    performed += 1
                }
            }
            waiting = answers
            guard turn == 5 else { continue }
            values[0].withUnsafeBytes { first in
                values[1].withUnsafeBytes { second in
                    let records = [
                        LogRecord(offset: 0, timestamp: start.milliseconds, value: first),
                        LogRecord(offset: 1, timestamp: start.milliseconds, value: second),
                        LogRecord(offset: 2, timestamp: start.milliseconds, value: nil),
                    ]
                    records.withUnsafeBufferPointer { records in
                        var actions: [RegionAction] = []
                        recorder.note(records, of: 0, areProducerStamped: false)
                        node.fold(records, of: 0, areProducerStamped: false, into: &actions)
                        for action in actions {
                            recorder.note(action)
                            performed += 1
                        }
                        waiting += events(actions)
                    }
                }
            }
        }
        return performed
    }

    @Test("A node's recording replays action by action")
    func node() throws {
        try Self.withFile { path in
            let performed = try Self.live(path)
            #expect(performed > 20)
            let report = try Replay.run(Self.bytes(path))
            #expect(report.difference == nil)
            #expect(report.kind == "node")
            #expect(report.actions == performed)
            for kind in ["read", "askFacts", "push", "sendLetter", "note", "end"] {
                #expect(report.actionsByKind[kind] ?? 0 > 0, "\(kind)")
            }
        }
    }

    @Test("A changed, missing or additional action is reported")
    func otherwise() throws {
        let hands: [(RegionAction) -> RegionAction?] = [
            { if case .askEnds = $0 { nil } else { $0 } },
            {
                guard case .askCommitted(let question, _) = $0 else { return $0 }
                return .askCommitted(question: question, [0, 1])
            },
            { if case .read(let places) = $0 { .commit(places) } else { $0 } },
        ]
        for hand in hands {
            try Self.withFile { path in
                _ = try Self.live(path, hand: hand)
                let report = try Replay.run(Self.bytes(path))
                #expect(report.difference != nil)
            }
        }
    }

    @Test("Only its owner can read a recording, and it overwrites nothing")
    func file() throws {
        try Self.withFile { path in
            _ = try Self.live(path)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(throws: RecordingError.self) { _ = try RecordingFile(path) }
            // The key of the id hashes is not in it.
            let key = withUnsafeBytes(of: UInt64(0x7472_6962_7574_6172)) { Array($0) }
            var settings = Self.settings
            settings.fold = FoldSettings(
                idKey: IDKey(low: 0x7472_6962_7574_6172, high: 0x7472_6962_7574_6172))
            let other = path + "2"
            _ = NodeRecorder(try RecordingFile(other), settings: settings)
            let bytes = try Self.bytes(other)
            #expect(!bytes.isEmpty)
            #expect(bytes.indices.allSatisfy { !bytes[$0...].starts(with: key) })
        }
    }

    @Test("A cut recording replays as far as it goes; other bytes are refused, none trap")
    func hostile() throws {
        try Self.withFile { path in
            _ = try Self.live(path)
            let bytes = try Self.bytes(path)
            for count in stride(from: 60, to: bytes.count, by: 97) {
                let report = try? Replay.run(Array(bytes.prefix(count)))
                if let report { #expect(report.difference == nil, "at \(count)") }
            }
            for seed in 0..<3_000 as Range<UInt64> {
                var random = SplitMix64(seed: seed)
                var spoilt = bytes
                for _ in 0..<3 {
                    let place = Int.random(in: 0..<spoilt.count, using: &random)
                    spoilt[place] = UInt8.random(in: 0...255, using: &random)
                }
                do {
                    _ = try Replay.run(spoilt)
                } catch {
                    #expect(error is RecordingError, "seed \(seed)")
                }
            }
            #expect(throws: RecordingError.self) { try Replay.run([]) }
            #expect(throws: RecordingError.self) { try Replay.run(Array("something else".utf8)) }
        }
    }

    // MARK: - Rounds

    static func request(_ coverage: Int64) -> DeltaRequest {
        let bucket = Bucket(
            minute: start.minute, currency: Currency(code: "EUR")!,
            value: BucketValue(settled: coverage, transfers: 1))
        var digest = ShardDigest()
        digest.add(bucket, isLate: false)
        return DeltaRequest(
            foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1), region: region, node: "n",
            sentAt: start, partitionCounts: [log: 1],
            shards: [
                ShardDelta(
                    log: log, partition: 0, base: 0, coverage: coverage,
                    claims: Claims(from: Minute(0)),
                    digest: .init(
                        minutes: start.minute.advanced(by: -59)...start.minute,
                        digest: digest),
                    buckets: [bucket])
            ])
    }

    /// Two interleaved rounds; the first script fails, and digests differ.
    static func rounds(_ path: String, readings: [ShardReading?]) throws {
        let settings = CommitRound.Settings(
            knownLogs: [log: 1], currentLog: log, comparesDigests: true)
        let recorder = RoundRecorder(try RecordingFile(path))
        var memory = CommitMemory()
        let command = NodeCommand(
            id: "c",
            kind: .publish(
                BucketCorrection(
                    currency: Currency(code: "EUR")!, minute: start.minute, delta: 1, before: 0,
                    reason: "r", requestedBy: "q", issuedAt: start)))
        recorder.note(asked: command, of: region)
        _ = memory.commands.ask(command, of: region)
        var rounds: [CommitRound] = []
        for number in 0..<2 {
            let request = request(Int64(number) + 5)
            recorder.note(round: number, request, settings, at: start)
            rounds.append(CommitRound(request, settings: settings, now: start))
        }
        var actions: [CommitRound.Action?] = [nil, nil]
        var writes = 0
        var isOver = false
        while !isOver {
            isOver = true
            for number in rounds.indices {
                let event: CommitRound.Event
                switch actions[number] {
                case nil: event = .begun
                case .repair: event = .repaired
                case .read: event = .read(readings)
                case .write:
                    writes += 1
                    event = writes == 1 ? .failed : .written
                case .digest:
                    event = .digested(
                        StoredDigest(
                            watermark: Int64(number) + 5, claims: Claims(from: Minute(0)),
                            digest: ShardDigest()))
                case .answer, .giveUp: continue
                }
                isOver = false
                let action = rounds[number].handle(event, at: start, memory: &memory)
                recorder.note(round: number, event, at: start, action)
                actions[number] = action
            }
        }
        recorder.flush()
    }

    @Test("Commit rounds replay together with their shared memory")
    func roundsRepeat() throws {
        let reading = ShardReading(
            watermark: nil, liveness: "torn 1",
            buckets: [
                Bucket(
                    minute: Self.start.minute, currency: Currency(code: "KWD")!,
                    value: BucketValue(settled: -3, transfers: 2, correction: 9))
            ])
        try Self.withFile { path in
            try Self.rounds(path, readings: [reading])
            let report = try Replay.run(Self.bytes(path))
            #expect(report.kind == "rounds")
            #expect(report.difference == nil)
            #expect(report.events > 10)
        }
    }
}
