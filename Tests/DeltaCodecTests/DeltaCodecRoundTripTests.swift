import CivilTime
import DeltaCodec
import DeltaProtocol
import Identifiers
import Money
import Testing

@Suite("Messages survive the wire")
struct DeltaCodecRoundTripTests {
    @Test(
        "Random requests survive a round trip in both forms",
        arguments: DeltaCodec.Format.allCases)
    func requests(format: DeltaCodec.Format) throws {
        for seed in UInt64(0)..<400 {
            var messages = RandomMessages(seed: seed)
            let request = messages.request()
            let decoded = try DeltaCodec.decodeRequest(
                DeltaCodec.encode(request, as: format), as: format)
            #expect(decoded == DecodedRequest(request: request), "seed \(seed)")
        }
    }

    @Test(
        "Random replies survive a round trip in both forms",
        arguments: DeltaCodec.Format.allCases)
    func replies(format: DeltaCodec.Format) throws {
        for seed in UInt64(0)..<400 {
            var messages = RandomMessages(seed: seed)
            let reply = messages.reply()
            let decoded = try DeltaCodec.decodeReply(
                DeltaCodec.encode(reply, as: format), as: format)
            #expect(decoded == reply, "seed \(seed)")
        }
    }

    @Test(
        "Random statuses survive a round trip in both forms",
        arguments: DeltaCodec.Format.allCases)
    func statuses(format: DeltaCodec.Format) throws {
        for seed in UInt64(0)..<400 {
            var messages = RandomMessages(seed: seed)
            let statuses = messages.statuses()
            let decoded = try DeltaCodec.decodeStatuses(
                DeltaCodec.encode(statuses, as: format), as: format)
            #expect(decoded == statuses, "seed \(seed)")
        }
    }

    @Test("The encoder's bytes match the .proto file")
    func goldenBytes() {
        let request = DeltaRequest(
            foldVersion: FoldVersion(rules: 3, settings: 7, digest: 0x0102_0304_0506_0708),
            region: RegionID("eu-west")!, node: "node-a",
            sentAt: UnixTime(milliseconds: 1_774_445_101_000),
            partitionCounts: [LogID("settled-2")!: 12, LogID("settled-1")!: 6],
            shards: [
                ShardDelta(
                    log: LogID("settled-1")!, partition: 5, base: 1_000, coverage: 1_003,
                    claims: Claims(from: Minute(29_456_000)),
                    observedThrough: UnixTime(milliseconds: 0),
                    marker: LedgerMarker(
                        lsn: 0x16B_3748, system: "7301", timeline: 1,
                        markedAt: UnixTime(milliseconds: 9)),
                    fingerprint: Fingerprint(offset: 1_001, timestamp: 77, crc: 0xDEAD_BEEF),
                    digest: .init(
                        minutes: Minute(5)...Minute(64), digest: ShardDigest(high: 1, low: 2)),
                    counters: Self.counters,
                    buckets: [
                        bucket(29_456_210, "EUR", 10_000, 2), bucket(29_456_210, "USD", 5, 1),
                        bucket(29_456_211, "EUR", 7, 1, correction: -3),
                    ], late: [bucket(29_457_800, "JPY", 900, 1)])
            ])
        var expected = WireWriter()
        expected.number(1, 2)
        expected.message(2) {
            $0.number(1, 3)
            $0.number(2, 7)
            $0.fixed64(3, 0x0102_0304_0506_0708)
        }
        expected.text(3, "eu-west")
        expected.text(4, "node-a")
        expected.number(5, 1_774_445_101_000)
        for (log, count) in [("settled-1", Int64(6)), ("settled-2", 12)] {
            expected.message(6) {
                $0.text(1, log)
                $0.number(2, count)
            }
        }
        expected.message(7) { writer in
            writer.text(1, "settled-1")
            for (field, value) in [(2, Int64(5)), (3, 1_000), (4, 1_003), (5, 29_456_000), (6, 0)] {
                writer.number(field, value)
            }
            writer.message(7) {
                $0.number(1, 0x16B_3748)
                $0.text(2, "7301")
                $0.number(3, 1)
                $0.number(4, 9)
            }
            writer.message(8) {
                $0.number(1, 77)
                $0.fixed32(2, 0xDEAD_BEEF)
                $0.number(3, 1_001)
            }
            writer.message(9) {
                $0.number(1, 5)
                $0.fixed64(2, 1)
                $0.fixed64(3, 2)
                $0.number(4, 64)
            }
            writer.message(10) { for field in 1...6 { $0.number(field, Int64(field * 10)) } }
            writer.message(11) {
                $0.text(1, "EUR")
                $0.text(1, "USD")
                $0.packed(2, [0, 1, 0])
                $0.packedZigZag(3, [29_456_210, 0, 1])
                $0.packed(4, [10_000, 5, 7])
                $0.packed(5, [2, 1, 1])
                $0.packedZigZag(6, [0, 0, -3])
            }
            writer.message(12) {
                $0.text(1, "JPY")
                $0.packed(2, [0])
                $0.packedZigZag(3, [29_457_800])
                $0.packed(4, [900])
                $0.packed(5, [1])
            }
        }
        #expect(DeltaCodec.encode(request) == expected.bytes)
    }

    @Test("People can write a request by hand")
    func handWrittenJSON() throws {
        let body = """
            {"version": 1, "fold_version": {"rules": 1, "settings": 2, "digest": 3},
             "region": "eu-west", "node": "me", "sent_at_ms": "1774445101000",
             "partition_counts": {"settled-1": 6},
             "shards": [{"log": "settled-1", "partition": 0, "coverage": 10,
               "ids_from": 29456000,
               "buckets": {"currencies": ["EUR"], "currency_indices": [0],
                 "minute_steps": [29456210], "settled": ["10000"], "transfers": [1]}}]}
            """
        let decoded = try DeltaCodec.decodeRequest(Array(body.utf8), as: .json)
        let expected = DeltaRequest(
            version: 1, foldVersion: FoldVersion(rules: 1, settings: 2, digest: 3),
            region: RegionID("eu-west")!, node: "me",
            sentAt: UnixTime(milliseconds: 1_774_445_101_000),
            partitionCounts: [LogID("settled-1")!: 6],
            shards: [
                ShardDelta(
                    log: LogID("settled-1")!, partition: 0, base: 0, coverage: 10,
                    claims: Claims(from: Minute(29_456_000)),
                    buckets: [bucket(29_456_210, "EUR", 10_000, 1)])
            ])
        #expect(decoded == DecodedRequest(request: expected))
    }

    @Test("A content type is recognized whatever its case, spaces and parameters")
    func contentTypes() {
        #expect(DeltaCodec.Format(contentType: "application/x-protobuf") == .protobuf)
        #expect(DeltaCodec.Format(contentType: "Application/JSON; charset=utf-8") == .json)
        #expect(DeltaCodec.Format(contentType: "application/json ;q=1") == .json)
        #expect(DeltaCodec.Format(contentType: "text/plain") == nil)
        #expect(DeltaCodec.Format(contentType: "") == nil)
    }

    private static let counters: ShardCounters = {
        var counters = ShardCounters()
        counters.applied = 10
        counters.duplicate = 20
        counters.late = 30
        counters.rejected = 40
        counters.control = 50
        counters.conflicts = 60
        return counters
    }()
}

func bucket(
    _ minute: Int32, _ code: String, _ settled: Int64, _ transfers: Int64, correction: Int64 = 0
) -> Bucket {
    Bucket(
        minute: Minute(minute), currency: Currency(code: code)!,
        value: BucketValue(settled: settled, transfers: transfers, correction: correction))
}
