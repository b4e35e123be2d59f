import Aggregation
import CivilTime
import DeltaProtocol
import Money
import Testing

/// Each record ends in exactly one counted outcome, the one that its rule names.
@Suite struct AccountingTests {
    /// The counter that a record must raise.
    enum Place: Hashable {
        case applied, duplicate, late
        case rejected(RejectReason)
        case control(ControlOutcome)

        /// All places. `counts` returns a fold's counts in the same order.
        static let all: [Place] =
            [.applied, .duplicate, .late] + RejectReason.allCases.map { .rejected($0) }
            + ControlOutcome.allCases.map { .control($0) }
    }

    struct Case: CustomTestStringConvertible {
        var name: String
        var entry: Entry
        var place: Place
        var isConflict = false

        var testDescription: String { name }

        init(_ name: String, _ text: String, _ place: Place, at time: UnixTime = noon) {
            self.init(name, Array(text.utf8), place, at: time.milliseconds)
        }

        init(
            _ name: String, _ value: [UInt8]?, _ place: Place,
            at timestamp: Int64 = noon.milliseconds
        ) {
            self.name = name
            entry = Entry(value, timestamp: timestamp)
            self.place = place
        }
    }

    private static let noon = Records.noon
    private static let minute = noon.minute
    private static let settings = FoldSettings(
        idKey: IDKey(low: 7, high: 11),
        exponents: Currency(code: "ISK").map { [$0: 2] } ?? [:])

    private static func counts(_ counters: OutcomeCounters) -> [Int64] {
        [counters.applied, counters.duplicate, counters.late] + counters.rejected
            + counters.control
    }

    /// A fold that knows one transfer, one correction and one nearly full bucket.
    private static func started() -> ShardFold {
        var fold = ShardFold(settings: settings)
        fold.fold(Records.transfer("known"))
        fold.fold(Records.correction("known", minute: minute, delta: 1, before: 0))
        fold.fold(Records.transfer("full", "\(Limits.sumMagnitude)", currency: "USD"))
        return fold
    }

    private static let good = Records.transfer("new")

    private static func without(_ field: String) -> String {
        let text = good.dropFirst().dropLast().split(separator: ",")
            .filter { !$0.hasPrefix("\"\(field)\":") }.joined(separator: ",")
        return "{\(text)}"
    }

    private static let brokenShapes = [
        Case("nothing", "", .rejected(.json)), Case("no JSON", "nonsense", .rejected(.json)),
        Case("an array", "[]", .rejected(.json)),
        Case("half an object", String(good.dropLast()), .rejected(.json)),
        Case("deep arrays", String(repeating: "[", count: 60_000), .rejected(.json)),
        Case("deep objects", String(repeating: "{\"a\":", count: 10_000), .rejected(.json)),
        Case(
            "half a character", Array("{\"transfer_id\":\"a".utf8) + [0xE2, 0x82] + [0x22, 0x7D],
            .rejected(.utf8)),
        Case("a megabyte", [UInt8](repeating: 0x78, count: 1_000_000), .rejected(.size)),
        Case("a byte too many", [UInt8](repeating: 0x79, count: 65_537), .rejected(.size)),
        Case("an empty object", "{}", .rejected(.missing)),
        Case("a row that is a number", #"{"after":7,"op":"c"}"#, .rejected(.type)),
        Case("an empty correction", #"{"type":"bucket_correction"}"#, .rejected(.control)),
        Case("no timestamp", Array(good.utf8), .rejected(.timestamp), at: LogRecord.noTimestamp),
    ]

    private static let missingFields = [
        "transfer_id", "currency", "amount_minor_units", "settled_at_utc",
    ].map { Case("no \($0)", without($0), .rejected(.missing)) }

    private static let brokenFields =
        [
            (#""12""#, RejectReason.type), ("1.5", .amount), ("1e3", .amount), ("-1", .amount),
            ("0", .amount), ("9223372036854775808", .amount), ("9223372036854775807", .amount),
            ("4503599627370497", .amount),
        ].map { Case("amount \($0)", Records.transfer("bad", $0), .rejected($1)) }
        + ["eur", "BTC"].map {
            Case("currency \($0)", Records.transfer("bad", currency: $0), .rejected(.currency))
        }
        + [
            ("2026-03-25T13:25:00", RejectReason.time), ("2026-03-25T24:00:00Z", .time),
            ("2026-03-25T13:25:60Z", .time), ("9999-12-31T23:59:59Z", .future),
        ].map { time, reason in
            Case(
                "time \(time)", good.replacing(RFC3339.format(noon), with: time),
                .rejected(reason))
        }
        + [
            Case("an empty id", Records.transfer(""), .rejected(.identifier)),
            Case(
                "a field twice", String(good.dropLast()) + ",\"currency\":\"EUR\"}",
                .rejected(.duplicateKey)),
            Case(
                "a full bucket", Records.transfer("more", "1", currency: "USD"),
                .rejected(.overflow)),
            Case(
                "half a króna", Records.transfer("half", "1250", currency: "ISK"),
                .rejected(.precision)),
        ]

    private static func correction(
        _ id: String, _ ahead: Int, delta: Int64 = 5, before: Int64 = 0
    ) -> String {
        Records.correction(id, minute: minute.advanced(by: ahead), delta: delta, before: before)
    }

    private static var conflict: Case {
        var conflict = Case("another amount", Records.transfer("known", "7"), .duplicate)
        conflict.isConflict = true
        return conflict
    }

    private static let effective = [
        Case("a transfer", good, .applied), Case("a repeat", Records.transfer("known"), .duplicate),
        conflict,
        Case("late money", Records.transfer("late", at: noon - 26 * 3_600_000), .late),
        Case(
            "a leap second",
            good.replacing(RFC3339.format(noon), with: "2026-03-24T23:59:60Z"), .applied),
        Case(
            "another zone",
            good.replacing(RFC3339.format(noon), with: "2026-03-25T18:55:00+05:30"), .applied),
        Case("a tombstone", nil as [UInt8]?, .control(.ignored)),
        Case("a delete", #"{"before":\#(good),"after":null,"op":"d"}"#, .control(.ignored)),
        Case("a marker", Records.marker(lsn: "0/10", at: noon), .control(.marker)),
        Case(
            "a marker of tomorrow", Records.marker(lsn: "0/10", at: noon + 86_400_000),
            .control(.future)),
        Case("a correction", correction("new", -1), .control(.applied)),
        Case("a repeated correction", correction("known", 0, delta: 1), .control(.duplicate)),
        Case("a stale correction", correction("stale", 0), .control(.void)),
        Case("a late correction", correction("old", -1_500), .control(.late)),
        Case("a correction ahead", correction("ahead", 6), .control(.future)),
    ]

    @Test(arguments: [brokenShapes, missingFields, brokenFields, effective].flatMap(\.self))
    func `a record raises only its rule's counter, by one`(record: Case) {
        var fold = Self.started()
        let before = Self.counts(fold.counters)
        let conflicts = fold.counters.conflicts
        let diversions = fold.fold([record.entry])
        let after = Self.counts(fold.counters)
        let raised = zip(Place.all, zip(after, before)).filter { $1.0 != $1.1 }
        #expect(raised.map(\.0) == [record.place])
        #expect(raised.map { $0.1.0 - $0.1.1 } == [1])
        let rise = fold.counters.conflicts - conflicts
        #expect(rise == (record.isConflict ? 1 : 0))
        let causes: [Diversion.Cause] =
            switch record.place {
            case .rejected(let reason): [.rejected(reason)]
            default: record.isConflict ? [.conflict] : []
            }
        #expect(diversions.map(\.cause) == causes)
        let (coverage, remembered) = (fold.coverage, fold.counters.remembered)
        #expect(after.reduce(0, +) == coverage)
        #expect(remembered == 0)
    }

    @Test func `the cases cover every outcome`() {
        let fed = Set(
            [Self.brokenShapes, Self.missingFields, Self.brokenFields, Self.effective]
                .flatMap { $0.map(\.place) })
        #expect(fed == Set(Place.all))
    }

    @Test func `the outcomes add up to the records for every batch size`() {
        let cases = [Self.brokenShapes, Self.missingFields, Self.brokenFields, Self.effective]
            .flatMap { $0 }
        var together = Self.started()
        together.fold(cases.map(\.entry))
        let counts = Self.counts(together.counters)
        #expect(counts.count == Place.all.count)
        #expect(counts.reduce(0, +) == Int64(cases.count) + 3)
        var singly = Self.started()
        for record in cases { singly.fold([record.entry]) }
        let same = together.counters == singly.counters
        #expect(same)
    }
}
