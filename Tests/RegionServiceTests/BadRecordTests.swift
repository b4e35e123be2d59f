import CivilTime
import DeltaProtocol
import KafkaClient
import Testing

/// One partition with every kind of record: each is counted, rejected ones go to the dead-letter
/// topic, and the partition continues.
@Suite struct BadRecordTests {
    private enum Outcome: Equatable {
        case applied(Int64)
        case late(Int64)
        case duplicate
        case conflict
        case control
        case rejected(String)
    }

    private struct Case {
        var key: [UInt8]?
        var value: [UInt8]?
        var outcome: Outcome

        init(_ text: String, _ outcome: Outcome) {
            value = Array(text.utf8)
            self.outcome = outcome
        }

        init(key: [UInt8]? = nil, _ value: [UInt8]?, _ outcome: Outcome) {
            self.key = key
            self.value = value
            self.outcome = outcome
        }

        /// The `reason` of its dead letter; nil if there is none.
        var reason: String? {
            switch outcome {
            case .rejected(let reason): reason
            case .conflict: "conflict"
            default: nil
            }
        }
    }

    private static let letterBytes = 65_536

    private static func brokenShapes(_ good: String) -> [Case] {
        [
            Case("", .rejected("json")), Case("nonsense", .rejected("json")),
            Case("[]", .rejected("json")), Case(String(good.dropLast()), .rejected("json")),
            Case(String(repeating: "[", count: 60_000), .rejected("json")),
            Case(String(repeating: "{\"a\":", count: 10_000), .rejected("json")),
            Case(
                Array("{\"transfer_id\":\"a".utf8) + [0xE2, 0x82] + Array("\"}".utf8),
                .rejected("utf8")),
            Case([UInt8](repeating: 0x78, count: 1_000_000), .rejected("size")),
            Case([UInt8](repeating: 0x79, count: letterBytes + 1), .rejected("size")),
            Case(key: [UInt8](repeating: 0x6B, count: 990_000), [0x7B], .rejected("json")),
            Case("{}", .rejected("missing")), Case("{\"transfer_id\":\"a\"}", .rejected("missing")),
            Case(#"{"after":7,"op":"c"}"#, .rejected("type")),
            Case(#"{"type":"bucket_correction"}"#, .rejected("control")),
        ]
    }

    private static func brokenFields(_ at: String) -> [Case] {
        func amount(_ text: String, _ reason: String) -> Case {
            Case(Values.transfer("bad", text, at: at), .rejected(reason))
        }
        func time(_ text: String, _ reason: String) -> Case {
            Case(Values.transfer("bad", "1", at: text), .rejected(reason))
        }
        func currency(_ text: String) -> Case {
            Case(Values.transfer("bad", "1", currency: text, at: at), .rejected("currency"))
        }
        func lacking(_ field: String) -> Case {
            let others = Values.transfer("bad", "1", at: at).dropFirst().dropLast()
                .split(separator: ",").filter { !$0.hasPrefix("\"\(field)\":") }
            return Case("{" + others.joined(separator: ",") + "}", .rejected("missing"))
        }
        return [
            lacking("transfer_id"), lacking("currency"), lacking("amount_minor_units"),
            lacking("settled_at_utc"), amount(#""12""#, "type"), amount("1.5", "amount"),
            amount("1e3", "amount"),
            amount("-1", "amount"), amount("0", "amount"),
            amount("9223372036854775808", "amount"), amount("9223372036854775807", "amount"),
            currency("eur"), currency("BTC"),
            time("2026-03-25T13:25:00", "time"), time("2026-03-25T24:00:00Z", "time"),
            time("2026-03-25T13:25:60Z", "time"), time("9999-12-31T23:59:59Z", "future"),
            Case(Values.transfer("", "1", at: at), .rejected("identifier")),
            Case(
                Values.transfer("a", "1", at: at).dropLast() + ",\"currency\":\"EUR\"}",
                .rejected("duplicate_key")),
        ]
    }

    private static func accepted(_ now: UnixTime) -> [Case] {
        let at = RFC3339.format(now)
        func transfer(_ id: String, _ amount: Int64, at time: String? = nil) -> String {
            Values.transfer(id, "\(amount)", at: time ?? at)
        }
        let pending = transfer("p", 1).dropLast() + ",\"state\":\"pending\"}"
        let escaped = transfer("outbox-text", 1 << 23).replacing("\"", with: "\\\"")
        let dayAndMore = UnixTime(milliseconds: now.milliseconds - 26 * 3_600_000)
        return [
            Case(transfer("tx_1", 1 << 20), .applied(1 << 20)),
            Case(transfer(#"tx\u005f1"#, 1 << 20), .duplicate),
            Case(transfer("tx_1", 7), .conflict),
            Case(
                transfer("fraction", 1 << 21, at: at.replacing("Z", with: ".123456789z")),
                .applied(1 << 21)),
            Case(#"{"payload":\#(transfer("outbox", 1 << 22))}"#, .applied(1 << 22)),
            Case("{\"payload\":\"\(escaped)\"}", .applied(1 << 23)),
            Case(
                #"{"before":null,"after":\#(transfer("row", 1 << 24)),"op":"c"}"#,
                .applied(1 << 24)),
            Case(
                #"{"schema":{"type":"struct"},"payload":{"before":null,"#
                    + #""after":\#(transfer("framed", 1 << 25)),"op":"r"}}"#, .applied(1 << 25)),
            Case(
                transfer("zone", 1 << 26, at: at.replacing("Z", with: "+00:00")),
                .applied(1 << 26)),
            Case(
                transfer("east", 1 << 29, at: zoned(now, hours: 5, minutes: 30)),
                .applied(1 << 29)),
            Case(
                transfer("west", 1 << 30, at: zoned(now, hours: -3, minutes: 0)),
                .applied(1 << 30)),
            Case(
                transfer(
                    "leap second", leapAmount,
                    at: RFC3339.format(leapMinute(now) + 59_000).replacing(":59Z", with: ":60Z")),
                .applied(leapAmount)),
            Case(transfer("late", 1 << 27, at: RFC3339.format(dayAndMore)), .late(1 << 27)),
            Case(transfer("year 0", 1 << 28, at: "0000-01-01T00:00:00Z"), .late(1 << 28)),
            Case(nil as [UInt8]?, .control),
            Case(#"{"before":\#(transfer("x", 1)),"after":null,"op":"d"}"#, .control),
            Case(#"{"before":null,"after":\#(pending),"op":"c"}"#, .control),
        ]
    }

    private static let leapAmount: Int64 = 1 << 31

    /// The start of the previous day's last minute.
    private static func leapMinute(_ now: UnixTime) -> UnixTime {
        UnixTime(milliseconds: now.milliseconds / 86_400_000 * 86_400_000 - 60_000)
    }

    /// The same instant in another time zone.
    private static func zoned(_ time: UnixTime, hours: Int64, minutes: Int64) -> String {
        let local = RFC3339.format(time + (hours * 60 + minutes) * 60_000)
        let zone = "\(hours < 0 ? "-" : "+")0\(abs(hours)):\(minutes < 10 ? "0" : "")\(minutes)"
        return local.replacing("Z", with: zone)
    }

    @Test("Each record is counted once, rejected ones are dead-lettered, the partition continues")
    func everyKind() async throws {
        let now = Values.now()
        let at = RFC3339.format(now)
        // The good ones last, to show that nothing before them stopped the partition.
        let cases =
            Self.brokenShapes(Values.transfer("good", "5", at: at)) + Self.brokenFields(at)
            + Self.accepted(now)
        try await withRegion(partitions: 1) { region in
            for record in cases { try await region.produce([record.value], key: record.key) }
            try await region.withNode { () async throws in
                #expect(
                    try await eventually {
                        region.headquarters.watermark(0) == Int64(cases.count)
                    })
            }
            // The dead letters count as acknowledged too, so all records are committed.
            #expect(try await region.committed() == Int64(cases.count))
            let shard = try #require(region.headquarters.shard(0))
            Self.check(shard, cases, now: now)
            try await Self.checkLetters(region, cases)
        }
    }

    private static func check(
        _ shard: StubHeadquarters.Shard, _ cases: [Case], now: UnixTime
    ) {
        var counters = ShardCounters()
        var (settled, late) = (Int64(0), Int64(0))
        for record in cases {
            switch record.outcome {
            case .applied(let amount):
                counters.applied += 1
                settled += amount
            case .late(let amount):
                counters.late += 1
                late += amount
            case .duplicate: counters.duplicate += 1
            case .conflict:
                counters.duplicate += 1
                counters.conflicts += 1
            case .control: counters.control += 1
            case .rejected: counters.rejected += 1
            }
        }
        #expect(shard.counters == counters)
        #expect(shard.counters.consumed == Int64(cases.count))
        #expect(
            shard.settled == [
                now.minute: settled - leapAmount, leapMinute(now).minute: leapAmount,
            ])
        #expect(shard.late.values.map(\.settled).reduce(0, +) == late)
    }

    /// Counts each reason.
    private static func counts(_ reasons: [String]) -> [String: Int] {
        reasons.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private static func checkLetters(_ region: RegionFixture, _ cases: [Case]) async throws {
        let letters = try await region.deadLetters()
        let expected = cases.enumerated().filter { $0.element.reason != nil }
        #expect(
            Self.counts(
                letters.map { letter in
                    String(decoding: letter.headers.first?.value ?? [], as: UTF8.self)
                }) == Self.counts(expected.compactMap(\.element.reason)))
        try #require(letters.count == expected.count)
        for (letter, (offset, record)) in zip(letters, expected) {
            #expect(
                letter.headers == [
                    KafkaHeader(name: "reason", value: Array((record.reason ?? "").utf8)),
                    KafkaHeader(name: "partition", value: Array("0".utf8)),
                    KafkaHeader(name: "offset", value: Array("\(offset)".utf8)),
                ])
            #expect(letter.value == record.value.map { Array($0.prefix(letterBytes)) })
            #expect(letter.key == record.key.map { Array($0.prefix(1_024)) })
        }
    }
}
