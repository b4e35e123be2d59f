import Aggregation
import CivilTime
import DeltaProtocol
import Hashing
import Money
import Testing

@Suite struct RecordDecoderTests {
    /// The result of decoding `bytes`: one word or, for a transfer, its content.
    private static func outcome(_ bytes: [UInt8]?) -> String {
        var decoder = RecordDecoder(key: Records.settings.idKey)
        var transfer = DecodedTransfer(
            id: IDHash(low: 0, high: 0), amount: 0, settledAt: Records.noon,
            currency: Currency.all[0])
        guard let bytes else {
            return describe(decoder.decode(nil, into: &transfer), transfer)
        }
        return bytes.withUnsafeBytes {
            describe(decoder.decode($0, into: &transfer), transfer)
        }
    }

    private static func describe(_ record: DecodedRecord, _ transfer: DecodedTransfer) -> String {
        switch record {
        case .transfer:
            "\(transfer.currency) \(transfer.amount) \(transfer.settledAt.milliseconds)"
        case .correction: "correction"
        case .marker(let marker): "marker \(marker.lsn)"
        case .ignored: "ignored"
        case .rejected(let reason): reason.name
        }
    }

    private static func outcome(_ text: String) -> String { outcome(Array(text.utf8)) }

    static let good = Records.transfer("tx_987654321", "10000")
    static let settled = "EUR 10000 1774445100000"

    private static func with(
        id: String = #""tx_1""#, currency: String = #""EUR""#, amount: String = "10000",
        time: String = #""2026-03-25T13:25:00Z""#, extra: String = ""
    ) -> String {
        "{\"transfer_id\":\(id),\"currency\":\(currency),\"amount_minor_units\":\(amount),"
            + "\"settled_at_utc\":\(time)\(extra)}"
    }

    @Test func aNativeTransferIsRead() { #expect(Self.outcome(Self.good) == Self.settled) }

    @Test(arguments: [
        ("", "json"), ("{", "json"), ("nonsense", "json"), ("[]", "json"), ("12", "json"),
        (good + "x", "json"), (good + good, "json"), ("\u{FEFF}" + good, "json"),
        (String(good.dropLast()), "json"), ("{'a':1}", "json"), ("{\"a\":01}", "json"),
        ("{\"a\":1.}", "json"), ("{\"a\":+1}", "json"), ("{\"a\":NaN}", "json"),
        ("{\"a\":\"\\x\"}", "json"), ("{\"a\":\"\t\"}", "json"), ("{\"a\":1,}", "json"),
        (String(repeating: "[", count: 60_000), "json"),
        (String(repeating: "{\"a\":", count: 10_000), "json"),
        ("{}", "missing"), ("{\"transfer_id\":\"a\"}", "missing"),
    ])
    func whatIsNoRecordIsRejected(_ text: String, _ reason: String) {
        #expect(Self.outcome(text) == reason)
    }

    @Test(arguments: ["transfer_id", "currency", "amount_minor_units", "settled_at_utc"])
    func aTransferThatLacksOneFieldIsRejected(_ field: String) {
        let others = Self.good.dropFirst().dropLast().split(separator: ",")
            .filter { !$0.hasPrefix("\"\(field)\":") }
        #expect(others.count == 3)
        let text = "{" + others.joined(separator: ",") + "}"
        #expect(Self.outcome(text) == "missing")
        #expect(Self.outcome(#"{"after":\#(text),"op":"c"}"#) == "missing")
    }

    @Test func nestingWithinTheBoundIsRead() {
        let deep = String(repeating: "[", count: 30) + String(repeating: "]", count: 30)
        #expect(Self.outcome(Self.with(extra: ",\"note\":\(deep)")) == Self.settled)
        let deeper = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(Self.outcome(Self.with(extra: ",\"note\":\(deeper)")) == "json")
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0x80],
            [0xF0, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func brokenUTF8IsRejected(_ bytes: [UInt8]) {
        let head = Array("{\"transfer_id\":\"a".utf8)
        let tail = Array(Self.with().dropFirst(19).utf8)
        #expect(Self.outcome(head + bytes + tail) == "utf8")
    }

    @Test func aMegabyteIsRejectedUnread() {
        let text = Self.with(id: "\"" + String(repeating: "x", count: 1 << 20) + "\"")
        #expect(Self.outcome(text) == "size")
    }

    @Test(arguments: [
        (#""12""#, "type"), ("1.5", "amount"), ("1e3", "amount"), ("-1", "amount"), ("0", "amount"),
        ("-0", "amount"), ("9223372036854775808", "amount"), ("1.0", "amount"), ("null", "type"),
        ("true", "type"), ("[1]", "type"), ("{}", "type"), ("00", "json"), ("012", "json"),
        ("99999999999999999999999", "amount"), ("9223372036854775807", "amount"),
        ("4503599627370497", "amount"), ("999999999999999999", "amount"),
    ])
    func anAmountIsAPositiveInteger(_ amount: String, _ reason: String) {
        #expect(Self.outcome(Self.with(amount: amount)) == reason)
    }

    @Test func theGreatestAmountIsRead() {
        #expect(
            Self.outcome(Self.with(amount: "4503599627370496"))
                == "EUR 4503599627370496 1774445100000")
        #expect(RecordDecoder.maximumAmount == Limits.sumMagnitude)
    }

    @Test(arguments: [
        (#""eur""#, "currency"), (#""EURO""#, "currency"), (#""XXX""#, "currency"),
        (#""BTC""#, "currency"), (#""""#, "currency"), ("978", "type"), ("null", "type"),
        (#""E\u0055R""#, settled),
    ])
    func aCurrencyIsACodeOfTheTable(_ currency: String, _ outcome: String) {
        #expect(Self.outcome(Self.with(currency: currency)) == outcome)
    }

    /// The decoder's cache must never match a text that it has not parsed.
    @Test func theFirstTimeThatADecoderReadsIsRead() {
        let zeros = String(repeating: "\0", count: 16)
        #expect(Self.outcome(Self.with(time: "\"\(zeros):07Z\"")) == "json")
        #expect(Self.outcome(Self.with(time: "\"1970-01-01T00:00:7 Z\"")) == "time")
        #expect(
            Self.outcome(Self.with(time: "\"1970-01-01T00:00:07Z\"")) == "EUR 10000 7000")
    }

    @Test(arguments: [
        "2026-03-25T13:25:00", "2026-03-25 13:25:00Z", "2026-03-25T24:00:00Z",
        "2026-03-25T13:25:60Z", "2026-02-29T13:25:00Z", "2026-13-01T00:00:00Z",
        "2026-03-25T13:25:00,5Z", "2026-03-25T13:25:00.Z", "2026-03-25T13:25:00.1234567890Z",
        "2026-03-25T13:25:00+0100", "2026-03-25", "", "26-03-25T13:25:00Z",
        "2026-03-25T13:25:00+24:00", "02026-03-25T13:25:00Z", "2026-03-25T23:59:60+01:00",
    ])
    func aTimeThatBreaksTheRuleIsRejected(_ time: String) {
        #expect(Self.outcome(Self.with(time: "\"\(time)\"")) == "time")
    }

    @Test(
        arguments: [
            ("2026-03-25T13:25:00z", 1_774_445_100_000),
            ("2026-03-25t13:25:00Z", 1_774_445_100_000),
            ("2026-03-25T14:25:00+01:00", 1_774_445_100_000),
            ("2026-03-25T08:55:00-04:30", 1_774_445_100_000),
            ("2026-03-25T13:25:00.5Z", 1_774_445_100_500),
            ("2026-03-25T13:25:00.123456789Z", 1_774_445_100_123),
            ("2026-06-30T23:59:60Z", 1_782_863_999_999),
            ("2026-07-01T01:59:60+02:00", 1_782_863_999_999),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] as [(String, Int)])
    func aTimeWithinTheRuleIsRead(_ time: String, _ milliseconds: Int) {
        #expect(Self.outcome(Self.with(time: "\"\(time)\"")) == "EUR 10000 \(milliseconds)")
    }

    private static let identifiers: [(String, String)] = [
        (#""""#, "identifier"), (letters(128), settled), (letters(129), "identifier"),
        ("\"" + String(repeating: "é", count: 65) + "\"", "identifier"), ("7", "type"),
        ("null", "type"), (#""a\u0000b""#, settled), (#""\ud83d\ude00""#, settled),
        (#""\ud83d""#, "utf8"), (#""\ude00\ud83d""#, "utf8"), (#""\ud83dx""#, "utf8"),
    ]

    private static func letters(_ count: Int) -> String {
        "\"" + String(repeating: "i", count: count) + "\""
    }

    @Test(arguments: identifiers)
    func anIDIsOneTo128Bytes(_ id: String, _ outcome: String) {
        #expect(Self.outcome(Self.with(id: id)) == outcome)
    }

    @Test(arguments: [
        ",\"transfer_id\":\"b\"", ",\"currency\":\"EUR\"", ",\"amount_minor_units\":1",
        ",\"settled_at_utc\":\"x\"", ",\"transfer\\u005fid\":\"b\"",
    ])
    func aKnownFieldNamedTwiceIsRejected(_ extra: String) {
        #expect(Self.outcome(Self.with(extra: extra)) == "duplicate_key")
    }

    @Test func unknownFieldsAndOtherTypesAreIgnored() {
        let extra = #","type":"payment","note":{"a":[1,null,true]},"note":"again""#
        #expect(Self.outcome(Self.with(extra: extra)) == Self.settled)
        #expect(
            Self.outcome(Self.with(extra: #","payload":7,"after":null,"op":3"#)) == Self.settled)
    }

    @Test func envelopesCarryATransfer() {
        let row = Self.with(extra: #","state":"settled""#)
        let source = #""source":{"table":"transfers"},"ts_ms":1"#
        let shapes = [
            #"{"before":null,"after":\#(row),"op":"c",\#(source)}"#,
            #"{"schema":{"type":"struct"},"payload":{"before":null,"after":\#(row),"op":"r"}}"#,
            #"{"before":{"state":"pending"},"after":\#(row),"op":"u"}"#,
            #"{"payload":\#(Self.with())}"#,
            #"{"type":"transfer.settled","payload":\#(Self.with())}"#,
            #"{"schema":null,"payload":\#(Self.quoted(Self.with()))}"#,
            Self.quoted(Self.with()), " \n\t\(Self.with())\r\n",
        ]
        for shape in shapes { #expect(Self.outcome(shape) == Self.settled, "\(shape)") }
    }

    @Test func whatSettlesNothingIsIgnored() {
        let row = Self.with(extra: #","state":"settled""#)
        let pending = Self.with(extra: #","state":"pending""#)
        let shapes = [
            #"{"before":\#(row),"after":null,"op":"d"}"#,
            #"{"before":null,"after":\#(pending),"op":"c"}"#,
            #"{"before":\#(row),"after":\#(row),"op":"u"}"#, #"{"schema":{},"payload":null}"#,
        ]
        for shape in shapes { #expect(Self.outcome(shape) == "ignored", "\(shape)") }
        #expect(Self.outcome(nil as [UInt8]?) == "ignored")
    }

    @Test func aBrokenRowInAnEnvelopeIsRejected() {
        #expect(Self.outcome(#"{"after":{"transfer_id":"a"},"op":"c"}"#) == "missing")
        #expect(Self.outcome(#"{"after":7,"op":"c"}"#) == "type")
        #expect(Self.outcome(#"{"payload":7}"#) == "type")
        #expect(Self.outcome(Self.quoted(Self.quoted(Self.with()))) == "json")
        #expect(Self.outcome(Self.quoted("{")) == "json")
    }

    @Test func controlRecordsAreRead() {
        let minute = Records.noon.minute
        let correction = Records.correction("c1", minute: minute, delta: -5, before: 0)
        #expect(Self.outcome(correction) == "correction")
        #expect(
            Self.outcome(Records.marker(lsn: "0/16B3748", at: Records.noon)) == "marker 23803720")
        #expect(Self.outcome(Records.marker(lsn: "0/+16B", at: Records.noon)) == "control")
        #expect(Self.outcome(Records.marker(lsn: "16B3748", at: Records.noon)) == "control")
        #expect(
            Self.outcome(
                correction.replacing("\"delta_to_apply\":-5", with: "\"delta_to_apply\":1.5"))
                == "control")
        #expect(Self.outcome(#"{"type":"bucket_correction"}"#) == "control")
    }

    /// `text` as a JSON string.
    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func theCompactPathAgreesWithTheGeneralOne(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var decoder = RecordDecoder(key: Records.settings.idKey)
        let bases = [Self.good, Self.with(id: "\"a\""), Self.with(id: "\"twelve chars\"")].map {
            Array($0.utf8)
        }
        let interesting: [UInt8] = Array("\"\\{}:,09ZzTt.-+ EURé\u{0}\u{1F}\u{7F}".utf8)
        for _ in 0..<20_000 {
            var bytes = bases[Int.random(in: 0..<bases.count, using: &random)]
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                let byte = interesting.randomElement(using: &random) ?? 0
                switch UInt8.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = byte
                case 1: bytes.insert(byte, at: at)
                default: bytes.remove(at: at)
                }
            }
            bytes.withUnsafeBytes { raw in
                var one = DecodedTransfer(
                    id: IDHash(low: 0, high: 0), amount: 0, settledAt: Records.noon,
                    currency: Currency.all[0])
                var other = one
                let fast = Self.describe(decoder.decode(raw, into: &one), one)
                let general = Self.describe(decoder.decodeGeneral(raw, into: &other), other)
                #expect(fast == general, "\(String(decoding: bytes, as: UTF8.self))")
                if case .transfer = decoder.decode(raw, into: &one) { #expect(one.id == other.id) }
            }
        }
    }

    /// Expected values computed by an implementation in another language, which was itself checked
    /// against the published vectors of SipHash-2-4-128.
    @Test(
        arguments: [
            (0, 0xbea5_8827_b2bc_7ee7, 0x0130_30dd_6adb_62fd),
            (1, 0xa8ed_d360_0437_6ffc, 0x63f0_2f2b_cc73_055e),
            (7, 0xc3e0_aaf2_23b9_8410, 0x77ab_4808_c82e_2fa6),
            (8, 0xb4da_e3d5_e1fe_12aa, 0x99c7_f935_ab16_4f72),
            (12, 0xa819_489e_8592_3fe5, 0x658c_ea9f_7395_06dc),
            (16, 0xeb8e_5115_57d9_a8d0, 0x9317_9e3d_f8b0_13b5),
            (63, 0x6f42_fe4e_e300_584c, 0xad60_52a7_0a6b_9f07),
            (128, 0x2fd6_c34f_5d08_f70a, 0x9f8e_ecb8_f6ce_a375),
        ] as [(Int, UInt64, UInt64)])
    func idsAreHashedBySipHash(_ count: Int, _ low: UInt64, _ high: UInt64) {
        let key = IDKey(low: 0x0706_0504_0302_0100, high: 0x0F0E_0D0C_0B0A_0908)
        let bytes = (0..<count).map { UInt8($0) }
        let hash = bytes.withUnsafeBytes { IDHash($0, key: key) }
        #expect(hash == IDHash(low: low, high: high))
    }
}
