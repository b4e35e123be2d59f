import Aggregation
import Foundation
import Rollup
import Testing

/// How inputs are cut into lines.
@Suite struct LineTests {
    /// A sound record of exactly this many bytes, each with an id of its own.
    static func line(_ id: Int, bytes: Int) -> String {
        let sound = RollupTests.line("t\(id)")
        let frame = #","note":"""#.utf8.count
        let note = String(repeating: "x", count: bytes - sound.utf8.count - frame)
        return sound.dropLast() + #","note":"\#(note)"}"#
    }

    @Test(arguments: ["", "\n", "\n\n\r\n \t\n", "   "])
    func `nothing, blank lines and blanks are no records`(_ text: String) throws {
        let result = try rollup(text)
        #expect(result.rows.isEmpty)
        #expect(result.counters == RollupCounters())
    }

    @Test(arguments: ["\n", "\r\n", "\n\n", "\r\n\r\n"], [true, false])
    func `any line ends do, and the last line needs none`(_ end: String, _ isLast: Bool) throws {
        let lines = (0..<3).map { RollupTests.line("t\($0)") }
        let result = try rollup(lines.joined(separator: end) + (isLast ? end : ""))
        #expect(result.rows.map(\.transfers) == [3])
        #expect(result.counters.consumed == 3)
    }

    @Test func `a file's last line does not join the next file's first`() throws {
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
    func `a line longer than a block is one refusal, whatever surrounds it`(
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

    @Test func `lines of every length around the block's end are read whole`() throws {
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

    @Test func `bytes without any newline are one refusal`() throws {
        let result = try rollup([[UInt8](repeating: 0, count: 5 << 20)])
        #expect(result.counters.consumed == 1)
        #expect(result.counters.rejectedTotal == 1)
    }
}
