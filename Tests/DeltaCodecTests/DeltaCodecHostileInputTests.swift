import CivilTime
import DeltaCodec
import DeltaProtocol
import Identifiers
import Testing

@Suite("Hostile bytes cause an error or a refused shard, nothing worse")
struct DeltaCodecHostileInputTests {
    /// The error's code; nil if the bytes decode.
    private func problem(_ writer: WireWriter) -> DeltaCodecError.Code? {
        problem { () throws(DeltaCodecError) in _ = try DeltaCodec.decodeRequest(writer.bytes) }
    }

    private func problem(_ body: () throws(DeltaCodecError) -> Void) -> DeltaCodecError.Code? {
        do throws(DeltaCodecError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("An error in the envelope refuses the request")
    func envelope() {
        #expect(problem(.envelope()) == nil)
        #expect(problem(WireWriter()) == .unsupportedVersion)
        for version in [0, 3, -1, Int64.max] {
            var writer = WireWriter()
            writer.number(1, version)
            writer.message(2) { _ in }
            writer.text(3, "eu-west")
            #expect(problem(writer) == .unsupportedVersion)
        }
        for region in ["", "EU", "eu west", "é", String(repeating: "a", count: 33)] {
            var writer = WireWriter()
            writer.number(1, 1)
            writer.message(2) { _ in }
            writer.text(3, region)
            #expect(problem(writer) == .invalidEnvelope)
        }
        var noFoldVersion = WireWriter()
        noFoldVersion.number(1, 1)
        noFoldVersion.text(3, "eu-west")
        #expect(problem(noFoldVersion) == .invalidEnvelope)

        var longNode = WireWriter.envelope()
        longNode.text(4, String(repeating: "n", count: 129))
        #expect(problem(longNode) == .invalidEnvelope)

        for (log, count) in [("a", Int64(0)), ("a", 1_025), ("a", -1), ("A", 1), ("", 1)] {
            var writer = WireWriter.envelope()
            writer.message(6) {
                $0.text(1, log)
                $0.number(2, count)
            }
            #expect(problem(writer) == .invalidEnvelope)
        }
        var badLog = WireWriter.envelope()
        badLog.message(7) { $0.text(1, "no/log") }
        #expect(problem(badLog) == .invalidEnvelope)
    }

    @Test("An error in one shard does not affect the others")
    func malformedShards() throws {
        typealias Body = (inout WireWriter) -> Void
        let columns: (Int, @escaping Body) -> Body = { field, body in { $0.message(field, body) } }
        func oneBucket(_ code: String, index: Int64) -> Body {
            {
                $0.text(1, code)
                $0.packed(2, [index])
                $0.packedZigZag(3, [1])
                $0.packed(4, [1])
                $0.packed(5, [1])
            }
        }
        let tooMany = Limits.bucketsPerShard + 1
        let cases: [(ShardProblem, Body)] = [
            (.unknownCurrency, columns(11, oneBucket("XQQ", index: 0))),
            (.unknownCurrency, columns(12, oneBucket("eur", index: 0))),
            (.unknownCurrency, columns(12, oneBucket("", index: 0))),
            (.currencyIndex, columns(11, oneBucket("EUR", index: 1))),
            (.currencyIndex, columns(11, oneBucket("EUR", index: -1))),
            (.columnLengths, columns(11) { $0.packed(2, [0]) }),
            (.columnLengths, columns(11) { $0.packed(4, [0]) }),
            (
                .columnLengths,
                columns(11) {
                    oneBucket("EUR", index: 0)(&$0)
                    $0.packedZigZag(6, [0, 0])
                }
            ),
            (
                .tooManyBuckets,
                columns(11) {
                    for field in 2...5 { $0.content(field, [UInt8](repeating: 0, count: tooMany)) }
                }
            ),
            (.offset, { $0.number(3, -1) }),
            (.offset, { $0.number(4, .max) }),
            (.counter, { $0.message(10) { $0.number(1, -1) } }),
            (.counter, { $0.message(10) { $0.number(6, .max) } }),
            (.ledgerSystem, { $0.message(7) { $0.text(2, String(repeating: "7", count: 65)) } }),
        ]
        for (expected, body) in cases {
            var writer = WireWriter.envelope()
            writer.message(7) { $0.text(1, "good-1") }
            writer.message(7) {
                $0.text(1, "bad")
                $0.number(2, 3)
                body(&$0)
            }
            writer.message(7) { $0.text(1, "good-2") }
            let decoded = try DeltaCodec.decodeRequest(writer.bytes)
            #expect(
                decoded.malformedShards == [
                    MalformedShard(log: LogID("bad")!, partition: 3, problem: expected)
                ])
            #expect(decoded.request.shards.map(\.log.name) == ["good-1", "good-2"])
        }
    }

    @Test("Values that the merge must check reach it unchanged")
    func nonsenseSurvives() throws {
        let shard = ShardDelta(
            log: LogID("unheard-of")!, partition: -5, base: 10, coverage: 3,
            claims: Claims(from: Minute(.max)),
            buckets: [
                bucket(7, "USD", .max, .min, correction: .min), bucket(7, "EUR", 1, 1),
                bucket(7, "USD", 1, 1), bucket(.min, "USD", 1, 1), bucket(.max, "USD", 1, 1),
            ])
        var messages = RandomMessages(seed: 1)
        var request = messages.request()
        request.shards = [shard, shard]
        let decoded = try DeltaCodec.decodeRequest(DeltaCodec.encode(request))
        #expect(decoded == DecodedRequest(request: request))
    }

    @Test("Repeated fields are refused before they cost memory or time")
    func repetition() {
        let mebibyte = 1 << 20
        var emptyShards = WireWriter.envelope()
        emptyShards.raw(
            [UInt8](repeating: 0, count: 2 * mebibyte).enumerated().map { offset, _ in
                offset % 2 == 0 ? 7 << 3 | 2 : 0
            })
        #expect(problem(emptyShards) == .tooLarge)

        // A column in a million pieces is quadratic in a decoder that reserves room for each piece.
        var pieces: [UInt8] = []
        for _ in 0..<mebibyte { pieces += [4 << 3 | 2, 1, 1] }
        var splitColumn = WireWriter.envelope()
        splitColumn.message(7) { shard in
            shard.text(1, "a")
            shard.message(11) { $0.raw(pieces) }
        }
        #expect(problem(splitColumn) == .undecodable)

        var splitColumns = WireWriter.envelope()
        splitColumns.message(7) { shard in
            shard.text(1, "a")
            for _ in 0..<2 { shard.message(11) { $0.packed(4, [1]) } }
        }
        #expect(problem(splitColumns) == .undecodable)

        var codes = WireWriter.envelope()
        codes.message(7) { shard in
            shard.text(1, "a")
            shard.message(11) { for _ in 0..<2_000 { $0.text(1, "") } }
        }
        #expect(problem(codes) == .tooLarge)

        // Numbers outside packed form are legal, and as many as the bytes allow.
        var unpacked = WireWriter.envelope()
        unpacked.message(7) { shard in
            shard.text(1, "a")
            shard.message(11) { for _ in 0..<100_000 { $0.number(4, 1) } }
        }
        #expect(problem(unpacked) == nil)
    }

    @Test("Broken Protocol Buffers do not decode")
    func brokenWire() {
        let broken: [[UInt8]] = [
            [0x00], [0xFF], [0x0A], [0x0A, 0x05], [0x0B], [0x0C], [0x0F, 1],
            [0x0A] + [UInt8](repeating: 0xFF, count: 9) + [0x01],
            [UInt8](repeating: 0xFF, count: 11), [0x0D, 1, 2, 3], [0x09, 1, 2, 3, 4, 5, 6, 7],
            [UInt8](repeating: 0x3B, count: 100_000), [0x1A, 2, 0xC3, 0x28],
        ]
        for tail in broken {
            var writer = WireWriter.envelope()
            writer.raw(tail)
            #expect(problem(writer) == .undecodable, "\(tail.prefix(12))")
        }
    }

    @Test("A body over the limit is refused unread")
    func oversize() {
        let request = [UInt8](repeating: 0, count: Limits.requestBytes + 1)
        let reply = [UInt8](repeating: 0, count: Limits.replyBytes + 1)
        for format in DeltaCodec.Format.allCases {
            #expect(
                problem { () throws(DeltaCodecError) in
                    _ = try DeltaCodec.decodeRequest(request, as: format)
                } == .tooLarge)
            #expect(
                problem { () throws(DeltaCodecError) in
                    _ = try DeltaCodec.decodeReply(reply, as: format)
                } == .tooLarge)
            #expect(
                problem { () throws(DeltaCodecError) in
                    _ = try DeltaCodec.decodeStatuses(reply, as: format)
                } == .tooLarge)
        }
    }

    @Test(
        "JSON that is not a request does not decode",
        arguments: [
            "", "{", "[]", "null", "1", "{}", "{\"version\":1.5}", "{\"version\":\"x\"}",
            "{\"version\":1,\"unheard_of\":1}", "{\"version\":99999999999999999999}",
            "{\"version\":1,\"fold_version\":{},\"region\":\"eu\"} trailing",
            "{\"version\":1,\"fold_version\":{},\"region\":\"eu\",\"shards\":[null]}",
            "{\"version\":1,\"fold_version\":{},\"region\":\"eu\",\"shards\":[{\"log\":\"\"}]}",
        ])
    func brokenJSON(text: String) {
        #expect(
            problem { () throws(DeltaCodecError) in
                _ = try DeltaCodec.decodeRequest(Array(text.utf8), as: .json)
            } != nil)
    }

    @Test("Deep or endless JSON is refused")
    func nestedJSON() {
        let deep = String(repeating: "[", count: 1 << 20)
        let objects = "{\"shards\":[" + String(repeating: "{},", count: 1 << 20) + "{}]}"
        let nested = String(repeating: "{\"shards\":[", count: 5_000)
        for text in [deep, objects, nested] {
            #expect(
                problem { () throws(DeltaCodecError) in
                    _ = try DeltaCodec.decodeRequest(Array(text.utf8), as: .json)
                } != nil)
        }
    }

    @Test("A reply without a known outcome acknowledges nothing; an unknown reason does not hide")
    func replies() throws {
        func reply(outcome: Int64, reason: Int64 = 0, watermark: Int64 = 1) -> [UInt8] {
            var writer = WireWriter()
            writer.message(1) {
                $0.text(1, "a")
                $0.number(3, outcome)
                $0.number(4, reason)
                $0.number(5, watermark)
            }
            return writer.bytes
        }
        for bytes in [
            reply(outcome: 0), reply(outcome: 5), reply(outcome: -1),
            reply(outcome: 1, watermark: -1), reply(outcome: 1, watermark: .max),
        ] {
            #expect(
                problem { () throws(DeltaCodecError) in _ = try DeltaCodec.decodeReply(bytes) }
                    == .invalidEnvelope)
        }
        let unknown = try DeltaCodec.decodeReply(reply(outcome: 4, reason: 99))
        #expect(unknown.shards.map(\.outcome) == [.refused(.malformed)])
    }

    @Test("Damaged messages never trap, and those that still decode are whole")
    func damage() throws {
        var decodedCount = 0
        for seed in UInt64(0)..<2_000 {
            var messages = RandomMessages(seed: seed)
            let format = DeltaCodec.Format.allCases[Int(seed % 2)]
            var bytes = DeltaCodec.encode(messages.request(), as: format)
            for _ in 0..<Int.random(in: 1...3, using: &messages.random) {
                let at = Int.random(in: 0..<bytes.count, using: &messages.random)
                switch Int.random(in: 0..<4, using: &messages.random) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &messages.random)
                case 1: bytes.removeSubrange(at...)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &messages.random), at: at)
                default: bytes.insert(contentsOf: bytes[at...], at: at)
                }
                if bytes.isEmpty { break }
            }
            guard let decoded = try? DeltaCodec.decodeRequest(bytes, as: format) else { continue }
            decodedCount += 1
            let again = try DeltaCodec.decodeRequest(DeltaCodec.encode(decoded.request))
            #expect(again == DecodedRequest(request: decoded.request), "seed \(seed)")
            _ = try? DeltaCodec.decodeReply(bytes, as: format)
            _ = try? DeltaCodec.decodeStatuses(bytes, as: format)
        }
        #expect(decodedCount > 50)
    }
}

/// Commands and outcomes that a correct peer never sends.
@Suite struct CommandHostileInputTests {
    private static func reply(_ change: (inout NodeCommand) -> Void) -> DeltaReply {
        var random = RandomMessages(seed: 11)
        var command = random.command()
        change(&command)
        return DeltaReply(
            shards: [], serverTime: UnixTime(milliseconds: 1), commands: [command])
    }

    private static func corrected(_ change: (inout BucketCorrection) -> Void) -> DeltaReply {
        reply {
            guard case .publish(var correction) = $0.kind else { return }
            change(&correction)
            $0.kind = .publish(correction)
        }
    }

    @Test("Commands outside their limits refuse the reply")
    func commands() {
        let long = String(repeating: "x", count: 600)
        let replies = [
            Self.reply { $0.id = "" }, Self.reply { $0.id = long },
            Self.corrected { $0.delta = .min }, Self.corrected { $0.before = .max },
            Self.corrected { $0.reason = long }, Self.corrected { $0.requestedBy = long },
        ]
        for reply in replies {
            #expect(throws: DeltaCodecError.self) {
                try DeltaCodec.decodeReply(DeltaCodec.encode(reply))
            }
        }
        let many = DeltaReply(
            shards: [], serverTime: UnixTime(milliseconds: 1),
            commands: (0...Limits.commandsPerReply).flatMap { _ in Self.reply { _ in }.commands })
        for format in DeltaCodec.Format.allCases {
            #expect(throws: DeltaCodecError.self) {
                try DeltaCodec.decodeReply(DeltaCodec.encode(many, as: format))
            }
        }
    }

    @Test("A command of an unknown kind or currency is skipped")
    func unknown() throws {
        // Field 3 of the reply: a command with an id and field 9, which does not exist yet.
        let kind: [UInt8] = [0x1A, 0x06, 0x0A, 0x01, 0x63, 0x4A, 0x01, 0x00]
        #expect(try DeltaCodec.decodeReply(kind).commands == [])
        // The same with `publish` and the currency "XQX".
        let currency: [UInt8] = [
            0x1A, 0x0A, 0x0A, 0x01, 0x63, 0x12, 0x05, 0x0A, 0x03, 0x58, 0x51, 0x58,
        ]
        #expect(try DeltaCodec.decodeReply(currency).commands == [])
    }

    @Test("Outcomes outside their limits refuse the request")
    func outcomes() {
        let long = String(repeating: "x", count: 300)
        let results: [CommandOutcome] = [
            CommandOutcome(command: "", result: .failed(problem: "")),
            CommandOutcome(command: long, result: .failed(problem: "")),
            CommandOutcome(command: "c", result: .failed(problem: long)),
            CommandOutcome(command: "c", result: .published(partition: -1, offset: 0)),
            CommandOutcome(command: "c", result: .published(partition: 0, offset: -1)),
        ]
        func request(_ outcomes: [CommandOutcome]) -> [UInt8] {
            DeltaCodec.encode(
                DeltaRequest(
                    foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1),
                    region: RegionID(unchecked: "r"), node: "n",
                    sentAt: UnixTime(milliseconds: 1), partitionCounts: [:], shards: [],
                    outcomes: outcomes))
        }
        for outcome in results {
            #expect(throws: DeltaCodecError.self) {
                try DeltaCodec.decodeRequest(request([outcome]))
            }
        }
        let fine = CommandOutcome(command: "c", result: .published(partition: 0, offset: 5))
        #expect(throws: DeltaCodecError.self) {
            try DeltaCodec.decodeRequest(
                request(Array(repeating: fine, count: Limits.outcomesPerRequest + 1)))
        }
    }
}
