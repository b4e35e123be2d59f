import Aggregation
import CivilTime
import DeltaProtocol
import Identifiers
import Money
import Testing

/// The wrappers of a record, the rows that settle a transfer, and the fields of control records.
@Suite struct RecordShapeTests {
    private static func outcome(
        _ text: String, settledWords: [String] = ["settled", "SETTLED"]
    ) -> String {
        var decoder = RecordDecoder(key: Records.settings.idKey, settledWords: settledWords)
        var transfer = DecodedTransfer(
            id: IDHash(low: 0, high: 0), amount: 0, settledAt: Records.noon,
            currency: Currency.all[0])
        return Array(text.utf8).withUnsafeBytes {
            switch decoder.decode($0, into: &transfer) {
            case .transfer: "\(transfer.amount)"
            case .correction: "correction"
            case .marker: "marker"
            case .ignored: "ignored"
            case .rejected(let reason): reason.name
            }
        }
    }

    /// A transfer of 7 with additional fields.
    private static func row(_ extra: String = "") -> String {
        String(Records.transfer("a", "7").dropLast()) + (extra.isEmpty ? "}" : ",\(extra)}")
    }

    /// `text` as a JSON string.
    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private static func wrapped(_ text: String) -> String { #"{"schema":{},"payload":\#(text)}"# }

    private static func change(_ row: String) -> String { #"{"op":"c","after":\#(row)}"# }

    @Test func `wrappers and strings nest up to four deep`() {
        let shapes = [
            Self.quoted(Self.row()), Self.wrapped(Self.quoted(Self.row())),
            Self.quoted(Self.wrapped(Self.row())), Self.wrapped(Self.wrapped(Self.row())),
            Self.quoted(Self.wrapped(Self.quoted(Self.row()))),
            Self.wrapped(Self.quoted(Self.wrapped(Self.row()))),
            Self.quoted(Self.wrapped(Self.change(Self.row()))),
            Self.wrapped(Self.quoted(Self.change(Self.row()))),
            Self.wrapped(Self.wrapped(Self.quoted(Self.wrapped(Self.row())))),
        ]
        for shape in shapes { #expect(Self.outcome(shape) == "7", "\(shape)") }
        let five = Self.wrapped(Self.wrapped(Self.wrapped(Self.wrapped(Self.wrapped("{}")))))
        #expect(Self.outcome(five) == "json")
        #expect(Self.outcome(Self.quoted(Self.quoted(Self.row()))) == "json")
        #expect(Self.outcome(Self.wrapped(Self.quoted(Self.quoted(Self.row())))) == "json")
    }

    @Test func `null is a tombstone wherever a record is allowed`() {
        let shapes = [
            "null", " null\n", Self.quoted("null"), Self.wrapped("null"), #"{"payload":null}"#,
            Self.quoted(Self.wrapped("null")), Self.wrapped(Self.quoted("null")),
        ]
        for shape in shapes { #expect(Self.outcome(shape) == "ignored", "\(shape)") }
    }

    @Test(arguments: [
        ("7", "json"), ("true", "json"), ("[]", "json"), (#""7""#, "json"), (#""[]""#, "json"),
        (#"{"payload":7}"#, "type"), (#"{"payload":[]}"#, "type"),
        (#"{"payload":true}"#, "type"), (#"{"payload":"7"}"#, "json"), (#""""#, "json"),
    ])
    func `a value that is not an object is rejected`(_ text: String, _ reason: String) {
        #expect(Self.outcome(text) == reason)
    }

    private static let states: [(String, String)] = [
        ("", "7"), (#""state":"settled""#, "7"), (#""state":"SETTLED""#, "7"),
        (#""state":"s\u0065ttled""#, "7"), (#""state":"Settled""#, "ignored"),
        (#""state":"settled ""#, "ignored"), (#""state":"""#, "ignored"),
        (#""state":null"#, "ignored"), (#""state":true"#, "type"), (#""state":3"#, "type"),
        (#""state":{}"#, "type"), (#""status":"settled""#, "7"),
        (#""status":"pending""#, "ignored"), (#""status":null"#, "ignored"),
        // A row that has a `state` ignores its `status`.
        (#""state":"settled","status":"active""#, "7"),
        (#""status":"settled","state":"pending""#, "ignored"),
        (#""state":"settled","state":"settled""#, "duplicate_key"),
    ]

    @Test(arguments: states)
    func `a row counts if its state means settled or it has none`(
        _ extra: String, _ outcome: String
    ) {
        let row = Self.row(extra)
        for shape in [row, Self.change(row), Self.wrapped(Self.change(row)), Self.quoted(row)] {
            #expect(Self.outcome(shape) == outcome, "\(shape)")
        }
    }

    @Test func `the region configures which states mean settled`() {
        let words = ["gebucht", "booked"]
        for (state, outcome) in [
            ("gebucht", "7"), ("booked", "7"), ("settled", "ignored"), ("SETTLED", "ignored"),
        ] {
            let row = Self.row(#""state":"\#(state)""#)
            #expect(Self.outcome(row, settledWords: words) == outcome)
        }
        #expect(Self.outcome(Self.row(), settledWords: words) == "7")
        let row = Self.row(#""state":"gebucht""#)
        let again = #"{"op":"u","before":{"state":"booked"},"after":\#(row)}"#
        #expect(Self.outcome(again, settledWords: words) == "ignored")
    }

    private static let marks: [(String, String)] = [
        (#""__op":"c""#, "7"), (#""__op":"u""#, "7"), (#""__op":"r""#, "7"),
        (#""__op":"d""#, "ignored"), (#""__op":null"#, "7"), (#""__op":4"#, "type"),
        (#""__deleted":"false""#, "7"), (#""__deleted":"true""#, "ignored"),
        (#""__deleted":false"#, "7"), (#""__deleted":true"#, "ignored"),
        (#""__deleted":null"#, "7"), (#""__deleted":"yes""#, "type"), (#""__deleted":1"#, "type"),
        (#""__op":"u","__deleted":"true""#, "ignored"),
        (#""state":"settled","__op":"d","__deleted":"true""#, "ignored"),
        (#""state":"pending","__op":"c","__deleted":"false""#, "ignored"),
        (#""op":"d""#, "7"),
    ]

    @Test(arguments: marks)
    func `a flattened row that was deleted settles nothing`(_ extra: String, _ outcome: String) {
        #expect(Self.outcome(Self.row(extra)) == outcome)
        #expect(Self.outcome(Self.wrapped(Self.row(extra))) == outcome)
    }

    @Test func `a row that settles nothing is never rejected, whatever it lacks`() {
        for text in [
            #"{"transfer_id":"a","state":"pending"}"#, #"{"transfer_id":"a","__deleted":"true"}"#,
            #"{"op":"u","after":{"state":"pending"}}"#, #"{"op":"r","after":{"status":"new"}}"#,
            #"{"transfer_id":"a","settled_at_utc":null,"state":"pending"}"#,
        ] { #expect(Self.outcome(text) == "ignored", "\(text)") }
    }

    @Test func `a change counts unless its old row says settled`() {
        func update(_ before: String) -> String {
            #"{"op":"u","before":\#(before),"after":\#(Self.row(#""state":"settled""#))}"#
        }
        for before in [
            "null", "{}", #"{"transfer_id":"a"}"#, #"{"state":null}"#, #"{"state":"pending"}"#,
            #"{"state":7}"#, Self.row(), Self.row(#""status":"pending""#),
        ] { #expect(Self.outcome(update(before)) == "7", "\(before)") }
        for before in [#"{"state":"settled"}"#, #"{"state":"SETTLED"}"#, #"{"status":"settled"}"#] {
            #expect(Self.outcome(update(before)) == "ignored", "\(before)")
        }
    }

    @Test func `truncations, messages and deletes settle nothing`() {
        for text in [
            #"{"op":"t","before":null,"after":null}"#, #"{"op":"t","source":{}}"#,
            #"{"op":"m","message":{"prefix":"x","content":"Zm9v"}}"#,
            #"{"op":"d","before":\#(Self.row()),"after":null}"#, #"{"op":"d"}"#,
        ] {
            #expect(Self.outcome(text) == "ignored", "\(text)")
            #expect(Self.outcome(Self.wrapped(text)) == "ignored", "\(text)")
        }
    }

    @Test(arguments: [
        #""payment""#, "null", "7", "{}", #""ledger_marker ""#, #""BUCKET_CORRECTION""#,
    ])
    func `any other type is a field to ignore`(_ type: String) {
        #expect(Self.outcome(Self.row(#""type":\#(type)"#)) == "7")
        #expect(Self.outcome(#"{"type":\#(type),"payload":\#(Self.row())}"#) == "7")
    }

    @Test func `extra fields do not change a control record`() {
        let correction = Records.correction("c", minute: Records.noon.minute, delta: 1, before: 0)
        let open = String(correction.dropLast())
        #expect(Self.outcome(open + #","op":"d","after":null}"#) == "correction")
        #expect(Self.outcome(open + #","state":"pending"}"#) == "correction")
        #expect(Self.outcome(Self.row(#""type":"bucket_correction""#)) == "control")
        #expect(Self.outcome(Self.row(#""type":"ledger\u005fmarker""#)) == "control")
        #expect(Self.outcome(Self.quoted(Self.wrapped(correction))) == "correction")
    }

    @Test(arguments: [
        "correction_id", "currency", "bucket_timestamp_min", "delta_to_apply",
        "correction_before", "issued_at_utc",
    ])
    func `a correction that lacks a field is malformed`(_ field: String) {
        let correction = Records.correction("c", minute: Records.noon.minute, delta: 1, before: 0)
        #expect(Self.outcome(correction) == "correction")
        #expect(Self.outcome(correction.replacing("\"\(field)\"", with: "\"x\"")) == "control")
    }

    @Test(arguments: [
        "null", "1774445100", #""2026-03-25""#, #""2026-03-25 13:25:00Z""#, #""""#,
    ])
    func `a correction needs the time of its request`(_ time: String) throws {
        let text = Records.correction("c", minute: Records.noon.minute, delta: 1, before: 0)
        let other = text.replacing(#""2026-03-25T13:25:00Z""#, with: time)
        #expect(Self.outcome(other) == "control")
        var decoder = RecordDecoder(key: Records.settings.idKey)
        var transfer = DecodedTransfer(
            id: IDHash(low: 0, high: 0), amount: 0, settledAt: Records.noon,
            currency: Currency.all[0])
        let record = Array(text.utf8).withUnsafeBytes { decoder.decode($0, into: &transfer) }
        guard case .correction(let correction) = record else {
            Issue.record("no correction")
            return
        }
        #expect(correction.issuedAt == Records.noon)
    }

    @Test func `continuing another log is part of the fold version`() {
        let logs = ["a", "b"].map { LogID(unchecked: $0) }
        let digests = [[], [logs[0]], [logs[1]]].map { continuing in
            FoldSettings(
                idKey: IDKey(low: 1, high: 2), logs: logs, continuingLogs: continuing
            ).version.digest
        }
        #expect(Set(digests).count == digests.count)
    }

    @Test func `the states that mean settled are part of the fold version`() {
        func digest(_ words: [String]) -> UInt64 {
            FoldSettings(idKey: IDKey(low: 1, high: 2), settledWords: words).version.digest
        }
        #expect(digest(["settled"]) != digest(["settled", "SETTLED"]))
        #expect(digest(["a", "b"]) == digest(["b", "a"]))
        #expect(digest(["a", "b"]) != digest(["ab"]))
        let settings = FoldSettings(idKey: IDKey(low: 7, high: 11), settledWords: ["booked"])
        var fold = ShardFold(settings: settings)
        fold.fold(Self.row(#""state":"booked""#))
        fold.fold(Self.row(#""state":"settled""#).replacing("\"a\"", with: "\"b\""))
        let counters = fold.counters.summary
        #expect(counters.applied == 1)
        #expect(counters.control == 1)
    }
}
