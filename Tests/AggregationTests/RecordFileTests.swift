import Aggregation
import CivilTime
import FoundationEssentials
import Money
import Testing

/// Files of real-world records in `Tests/Records`, and the outcome of each line.
@Suite struct RecordFileTests {
    /// The lines of a file that are not blank, without line ends and byte-order mark.
    private static func lines(of name: String) throws -> [[UInt8]] {
        let tests = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
        let data = try Data(contentsOf: URL(filePath: "\(tests)/Records/\(name).ndjson"))
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        return (data.starts(with: mark) ? data.dropFirst(3) : data).split(separator: 0x0A)
            .map { line in line.last == 0x0D ? Array(line.dropLast()) : Array(line) }
            .filter { line in !line.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
    }

    /// The amount of a transfer, or the outcome's name.
    private static func outcome(_ line: [UInt8]) -> String {
        var decoder = RecordDecoder(key: Records.settings.idKey)
        var transfer = DecodedTransfer(
            id: IDHash(low: 0, high: 0), amount: 0, settledAt: Records.noon,
            currency: Currency.all[0])
        return line.withUnsafeBytes {
            switch decoder.decode($0, into: &transfer) {
            case .transfer: "\(transfer.amount)"
            case .correction: "correction"
            case .marker: "marker"
            case .ignored: "ignored"
            case .rejected(let reason): reason.name
            }
        }
    }

    private static let outcomes: [(String, String)] = [
        (
            "change-event-lifecycle",
            "250 250 250 ignored ignored ignored ignored 40 7"
        ),
        ("epoch-times", "type type 100"),
        ("decimals", "type type type type 10000"),
        ("number-spellings", "amount amount amount json json amount json amount 12"),
        ("mark-and-line-ends", "3 4 5"),
        ("compressed", "3 4"),
        ("outbox-shapes", "1 2 4 8 16 json ignored"),
        ("flattened-rows", "1 ignored ignored ignored 16"),
        ("state-spellings", "1 2 ignored ignored 16 ignored"),
        (
            "unicode-ids",
            "1 1 2 4 4 8 8 utf8 32 identifier 128 identifier identifier type 2048 4096 8192"
        ),
        (
            "currencies",
            String(repeating: "7 ", count: 31)
                + Array(repeating: "currency", count: 16).joined(separator: " ")
        ),
        ("array-and-pretty", Array(repeating: "json", count: 7).joined(separator: " ")),
        ("other-events", "ignored ignored ignored ignored 5 ignored 6"),
        ("tombstone-texts", "ignored ignored ignored ignored 3"),
    ]

    @Test(arguments: outcomes)
    func `each line has the outcome of its rule`(_ name: String, _ outcomes: String) throws {
        let lines = try Self.lines(of: name)
        #expect(lines.map(Self.outcome).joined(separator: " ") == outcomes)
    }

    @Test func `ids are compared by code points, not by appearance`() throws {
        var decoder = RecordDecoder(key: Records.settings.idKey)
        let ids = try Self.lines(of: "unicode-ids").map { line in
            var transfer = DecodedTransfer(
                id: IDHash(low: 0, high: 0), amount: 0, settledAt: Records.noon,
                currency: Currency.all[0])
            _ = line.withUnsafeBytes { decoder.decode($0, into: &transfer) }
            return transfer.id
        }
        // Escaped and plain spellings are one id; composed and decomposed letters are two.
        #expect(ids[0] == ids[1])
        #expect(ids[1] != ids[2])
        #expect(ids[3] == ids[4])
        #expect(ids[5] == ids[6])
        #expect(ids[15] != ids[16])
    }
}
