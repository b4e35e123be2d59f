import Aggregation
import Foundation
import Rollup
import Testing

/// UTF-16 input, as Windows spreadsheets and shells write it.
@Suite struct UTF16Tests {
    /// The text with a byte-order mark.
    static func bytes(_ units: [UInt16], isBigEndian: Bool) -> [UInt8] {
        ([0xFEFF] + units).flatMap { unit in
            let pair = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
            return isBigEndian ? pair : pair.reversed()
        }
    }

    /// Ids of one to four bytes per character, so that reads cut units of every kind anywhere.
    static let text = (0..<4_000).map { index in
        RollupTests.line(["t", "é", "漢", "\u{1F4B6}"][index % 4] + "\(index)", "EUR", 3)
    }.joined(separator: "\r\n")

    @Test(arguments: [false, true], [1, 3])
    func `its sums are the same as for UTF-8`(_ isBigEndian: Bool, _ threads: Int) throws {
        let bytes = Self.bytes(Array(Self.text.utf16), isBigEndian: isBigEndian)
        #expect(bytes.count > 600_000, "the test needs several reads")
        for form in [bytes, Array(Self.text.utf8), [0xEF, 0xBB, 0xBF] + Array(Self.text.utf8)] {
            let result = try rollup([form, Array(Self.text.utf8)], threads: threads)
            #expect(result.rows.map(\.settled) == [12_000])
            #expect(result.counters.applied == 4_000)
            // The ids of the second file equal those of the first, byte by byte.
            #expect(result.counters.duplicate == 4_000)
            #expect(result.counters.rejectedTotal == 0)
        }
    }

    @Test func `it may be compressed, and arrive byte by byte`() async throws {
        let line = RollupTests.line("\u{1F4B6}")
        let answer = try await RollupCommandTests.shell(
            """
            D=$(mktemp -d); trap 'rm -r $D' EXIT
            exec 2>/dev/null
            printf '%s\\n' '\(line)' | iconv -f UTF-8 -t UTF-16 > $D/text
            gzip -c $D/text | $T rollup
            for i in $(seq 1 $(stat -c %s $D/text)); do
                dd if=$D/text bs=1 count=1 skip=$((i - 1)) status=none
            done | $T rollup
            """)
        let table = "currency,minute,settled,transfers\nEUR,2026-03-25T13:25,1,1\n"
        #expect(answer.out == table + table)
        #expect(answer.status == 0)
    }

    @Test(
        arguments: [[0xD83D], [0xDC00], [0xD83D, 0xD83D, 0xDC00], [0xDC00, 0xD83D]] as [[UInt16]])
    func `an unpaired surrogate rejects only its line`(_ units: [UInt16]) throws {
        let (before, after) = (RollupTests.line("@"), RollupTests.line("b"))
        let cut = try #require(before.firstIndex(of: "@"))
        let broken =
            Array(before[..<cut].utf16) + units + Array(before[before.index(after: cut)...].utf16)
        let result = try rollup([
            Self.bytes(broken + Array("\n\(after)".utf16), isBigEndian: false)
        ])
        #expect(result.counters.applied == 1)
        #expect(result.counters.rejected[Int(RejectReason.utf8.rawValue)] == 1)
    }

    @Test(arguments: [1, 3])
    func `text that ends within a character is an error`(_ missing: Int) throws {
        let units = Array("\(RollupTests.line("a"))\n\u{1F4B6}".utf16)
        let bytes = Self.bytes(units, isBigEndian: true).dropLast(missing)
        let error = try #require(throws: RollupError.self) { _ = try rollup([Array(bytes)]) }
        #expect("\(error)".hasSuffix(": the UTF-16 text ends within a character"))
    }
}
