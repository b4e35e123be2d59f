import Aggregation
import Foundation
import Rollup
import Testing

/// How inputs are split into lines.
@Suite struct LineTests {
    /// A valid record of exactly this many bytes, with a unique id.
    static func line(_ id: Int, bytes: Int) -> String {
        let sound = RollupTests.line("t\(id)")
        let frame = #","note":"""#.utf8.count
        let note = String(repeating: "x", count: bytes - sound.utf8.count - frame)
        return sound.dropLast() + #","note":"\#(note)"}"#
    }

    @Test(arguments: ["", "\n", "\n\n\r\n \t\n", "   "])
    func `empty input, blank lines and blanks are not records`(_ text: String) throws {
        let result = try rollup(text)
        #expect(result.rows.isEmpty)
        #expect(result.counters == RollupCounters())
    }

    @Test(arguments: ["\n", "\r\n", "\n\n", "\r\n\r\n"], [true, false])
    func `any line end works, and the last line needs none`(_ end: String, _ isLast: Bool) throws {
        let lines = (0..<3).map { RollupTests.line("t\($0)") }
        let result = try rollup(lines.joined(separator: end) + (isLast ? end : ""))
        #expect(result.rows.map(\.transfers) == [3])
        #expect(result.counters.consumed == 3)
    }

    @Test func `a file's last line is not joined with the next file's first`() throws {
        let one = Array(RollupTests.line("a").utf8)
        let two = Array(RollupTests.line("b").utf8)
        let half = Array(RollupTests.line("c").utf8.prefix(30))
        let rest = Array(RollupTests.line("c").utf8.dropFirst(30))
        let result = try rollup([one, two, [], half, rest])
        #expect(result.rows.map(\.transfers) == [2])
        #expect(result.counters.consumed == 4)
        #expect(result.counters.rejectedTotal == 2)
    }

    @Test func `64 KiB is a record, one byte more is refused for its size`() throws {
        let limit = RecordDecoder.maximumBytes
        let text = [
            Self.line(1, bytes: limit), Self.line(2, bytes: limit) + "\r",
            Self.line(3, bytes: limit + 1), Self.line(4, bytes: limit + 1) + "\r",
            Self.line(5, bytes: limit + 2), RollupTests.line("t6"),
        ].joined(separator: "\n")
        let result = try rollup(text)
        #expect(result.rows.map(\.transfers) == [3])
        #expect(result.counters.rejected[Int(RejectReason.size.rawValue)] == 3)
        #expect(result.counters.rejectedTotal == 3)
    }

    @Test(arguments: [600_000, 1_500_000, 3_000_000], ["\n", ""])
    func `a line longer than a block is one rejection, whatever surrounds it`(
        _ length: Int, _ end: String
    ) throws {
        let long = Self.line(0, bytes: length)
        let sound = (1...200).map { RollupTests.line("s\($0)") }.joined(separator: "\n")
        let text = [sound, long, RollupTests.line("m"), long].joined(separator: "\n") + end
        let result = try rollup(text)
        #expect(result.rows.map(\.transfers) == [201])
        #expect(result.counters.consumed == 203)
        #expect(result.counters.rejected[Int(RejectReason.size.rawValue)] == 2)
    }

    @Test func `lines of any length are read whole across the block's end`() throws {
        // Each file moves the first block's end by one byte through a line and its newline.
        for shift in 0..<130 {
            var text = Self.line(0, bytes: 60_000 + shift) + "\n"
            var count = 1
            while text.utf8.count < 540_000 {
                text += RollupTests.line("t\(count)") + "\n"
                count += 1
            }
            let result = try rollup(text)
            #expect(result.rows.map(\.transfers) == [Int64(count)], "shift \(shift)")
            #expect(result.counters.consumed == Int64(count))
        }
    }

    @Test func `bytes without any newline are one rejection`() throws {
        let result = try rollup([[UInt8](repeating: 0, count: 5 << 20)])
        #expect(result.counters.consumed == 1)
        #expect(result.counters.rejectedTotal == 1)
    }
}

/// Inputs that do not have one record per line, or whose first line is something else.
extension LineTests {
    private static let one = RollupTests.line("a")
    private static let two = RollupTests.line("b")

    private static let notLines = [
        "[\n\(one),\n\(two)\n]\n", "[\(one),\n\(two)]", "\u{FEFF}[\r\n\(one)\r\n,\(two)\r\n]",
        "\n\n [\n\(one)\n]", "{\n\"payload\":\n\(one)\n}\n", "{\"records\": [\n\(one)\n]}\n",
        "{\n  \"before\": null,\n  \"after\":\n\(one)\n}\n\(two)",
    ]

    @Test(arguments: notLines)
    func `nothing in an array or in multi-line records counts`(_ text: String) throws {
        let result = try rollup(text)
        #expect(result.rows.isEmpty)
        #expect(result.refused.count == 1)
        let json = result.counters.rejected[Int(RejectReason.json.rawValue)]
        #expect(result.counters.consumed == json)
        #expect(result.counters.understoodNothing)
    }

    @Test(arguments: notLines)
    func `the other inputs still count`(_ text: String) throws {
        let result = try rollup([Array(Self.one.utf8), Array(text.utf8), Array(Self.two.utf8)])
        #expect(result.rows.map(\.transfers) == [2])
        #expect(result.refused.count == 1)
        #expect(!result.counters.understoodNothing)
    }

    @Test(arguments: [
        "[\(one),\(two)]", String(one.prefix(30)), String(one.prefix(40)), "}",
        "\"\(two.prefix(3))",
        #"{"transfer_id":"[{""#, "7", "{}", "[]",
    ])
    func `a first line that is not a record does not affect the others`(_ line: String) throws {
        let result = try rollup([line, RollupTests.line("c"), "[", "{"].joined(separator: "\n"))
        #expect(result.rows.map(\.transfers) == [1])
        #expect(result.counters.consumed == 4)
        #expect(result.refused.isEmpty)
    }

    @Test func `a large array is refused up to its last line`() throws {
        let lines = (0..<20_000).map { RollupTests.line("t\($0)") }
        let result = try rollup("[\n" + lines.joined(separator: ",\n") + "\n]\n")
        #expect(result.rows.isEmpty)
        #expect(result.counters.consumed == 20_002)
        #expect(result.counters.understoodNothing)
    }

    @Test func `a byte-order mark is not part of the line after it`() throws {
        let joined = "\u{FEFF}\(Self.one)\r\n\r\n\u{FEFF}\(Self.two)\n\u{FEFF}\n"
        let result = try rollup(joined)
        #expect(result.rows.map(\.transfers) == [2])
        #expect(result.counters.consumed == 2)
        let limit = RecordDecoder.maximumBytes
        let full = try rollup("\u{FEFF}" + Self.line(1, bytes: limit) + "\r\n\u{FEFF}" + Self.two)
        #expect(full.rows.map(\.transfers) == [2])
        let over = try rollup("\u{FEFF}" + Self.line(1, bytes: limit + 1) + "\n" + Self.two)
        #expect(over.rows.map(\.transfers) == [1])
        #expect(over.counters.rejected[Int(RejectReason.size.rawValue)] == 1)
    }

    @Test func `a long line of white space is blank`() throws {
        let result = try rollup(String(repeating: " \t", count: 500) + "\r\n" + Self.one)
        #expect(result.counters.consumed == 1)
    }
}
