import Aggregation
import CivilTime
import Foundation
import Rollup
import Testing
import TransferGenerator

@Suite struct RollupTests {
    /// Generated lines in several files, and their sums.
    struct Sample {
        var files: [[UInt8]]
        var expected = IndependentRollup()
        var rejected: Int64 = 0

        init(seed: UInt64, count: Int, files fileCount: Int, dedupes: Bool = true) throws {
            var configuration = GeneratorConfiguration(
                start: try #require(RFC3339.parse("2026-03-25T00:00:00Z")), count: count,
                durationMilliseconds: 3_600_000)
            configuration.seed = seed
            configuration.shares.repeats = 30_000
            configuration.shares.conflicts = 10_000
            configuration.shares.late = 10_000
            configuration.shares.malformed = 5_000
            configuration.shares.envelopes = 50_000
            configuration.shares.outboxStrings = 50_000
            let generator = TransferGenerator(configuration)
            files = Array(repeating: [], count: fileCount)
            for position in 0..<count {
                var value: [UInt8] = []
                let event = generator.append(position, to: &value)
                switch event.kind {
                // Offline there is no record timestamp to be ahead of.
                case .malformed(.future): try expected.add(value, dedupes: dedupes)
                case .malformed: rejected += 1
                default: try expected.add(value, dedupes: dedupes)
                }
                files[position * fileCount / count] += value + [0x0A]
            }
        }
    }

    @Test(arguments: [(1, 1), (2, 1), (5, 3)] as [(UInt64, Int)])
    func `sums and counters equal an independent computation`(seed: UInt64, files: Int) throws {
        let sample = try Sample(seed: seed, count: 30_000, files: files)
        #expect(sample.files.map(\.count).reduce(0, +) > 3 << 20, "the test needs several blocks")
        for threads in [1, 2, 5] {
            let result = try rollup(sample.files, threads: threads)
            let text = String(decoding: RollupFormat.csv.render(result.rows), as: UTF8.self)
            #expect(text == sample.expected.csv, "seed \(seed), \(threads) threads")
            #expect(result.counters.consumed == 30_000)
            #expect(result.counters.applied == sample.expected.applied)
            #expect(result.counters.duplicate == sample.expected.duplicate)
            #expect(result.counters.conflicts == sample.expected.conflicts)
            #expect(result.counters.rejectedTotal == sample.rejected)
            #expect(result.counters.control == 0)
        }
        #expect(sample.expected.conflicts > 200 && sample.rejected > 100)
    }

    @Test func `without dedupe every valid record counts`() throws {
        let sample = try Sample(seed: 3, count: 10_000, files: 2, dedupes: false)
        let result = try rollup(sample.files, dedupes: false)
        let text = String(decoding: RollupFormat.csv.render(result.rows), as: UTF8.self)
        #expect(text == sample.expected.csv)
        #expect(result.counters.applied == 10_000 - sample.rejected)
        #expect(result.counters.duplicate == 0)
    }

    static func line(
        _ id: String, _ currency: String = "EUR", _ amount: Int64 = 1,
        at time: String = "2026-03-25T13:25:01Z"
    ) -> String {
        #"{"transfer_id":"\#(id)","currency":"\#(currency)","amount_minor_units":\#(amount),"#
            + #""settled_at_utc":"\#(time)"}"#
    }

    @Test func `the first record of an id wins, even across files`() throws {
        let first = Self.line("a", "EUR", 5) + "\n"
        let second = Self.line("a", "USD", 7) + "\n" + Self.line("b", "USD", 1) + "\n"
        let forward = try rollup([Array(first.utf8), Array(second.utf8)])
        #expect(forward.rows.map(\.settled) == [5, 1])
        #expect(forward.counters.conflicts == 1)
        let backward = try rollup([Array(second.utf8), Array(first.utf8)])
        #expect(backward.rows.map(\.settled) == [8])
        #expect(backward.counters.conflicts == 1)
    }

    @Test func `distant minutes are all kept, sorted by currency, then time`() throws {
        let result = try rollup(
            [
                Self.line("a", "USD", 1, at: "9999-12-31T23:59:60Z"),
                Self.line("b", "USD", 2, at: "0000-01-01T00:00:00Z"),
                Self.line("c", "CHF", 3, at: "2026-03-25T01:00:00+02:00"),
                Self.line("d", "CHF", 4, at: "1969-12-31T23:59:59.999Z"),
                Self.line("e", "CHF", 5, at: "0000-01-01T00:00:00+23:59"),
                Self.line("f", "CHF", 6, at: "9999-12-31T23:59:59-23:59"),
            ].joined(separator: "\n"))
        let text = String(decoding: RollupFormat.csv.render(result.rows), as: UTF8.self)
        #expect(
            text == """
                currency,minute,settled,transfers
                CHF,0000-01-01T00:00,5,1
                CHF,1969-12-31T23:59,4,1
                CHF,2026-03-24T23:00,3,1
                CHF,9999-12-31T23:59,6,1
                USD,0000-01-01T00:00,2,1
                USD,9999-12-31T23:59,1,1

                """)
    }

    @Test func `a thousand minutes of many currencies grow the table and stay exact`() throws {
        var lines = ""
        var expected = IndependentRollup()
        for index in 0..<20_000 {
            let time = RFC3339.format(UnixTime(seconds: Int64(index % 6_000) * 61))
            let line = Self.line("t\(index)", ["USD", "EUR", "JPY"][index % 3], 7, at: time)
            try expected.add(Array(line.utf8))
            lines += line + "\n"
        }
        let result = try rollup(lines)
        #expect(result.rows.count == 6_000)
        #expect(
            String(decoding: RollupFormat.csv.render(result.rows), as: UTF8.self) == expected.csv)
    }

    @Test func `a sum never exceeds its bound, and a rejected id is remembered`() throws {
        let bound: Int64 = 1 << 52
        let result = try rollup(
            [
                Self.line("a", "EUR", bound - 10), Self.line("b", "EUR", 11),
                Self.line("c", "EUR", bound), Self.line("a", "EUR", bound - 10),
                Self.line("b", "EUR", 10), Self.line("b", "EUR", 10),
                Self.line("d", "EUR", 1), Self.line("a", "EUR", 3),
            ].joined(separator: "\n"))
        #expect(result.rows.map(\.settled) == [bound - 9])
        #expect(result.rows.map(\.transfers) == [2])
        #expect(result.counters.rejected[Int(RejectReason.overflow.rawValue)] == 2)
        #expect(result.counters.rejectedTotal == 2)
        #expect(result.counters.duplicate == 4)
        #expect(result.counters.conflicts == 3)
        #expect(result.counters.consumed == 8)
    }

    @Test func `a total can exceed a minute's bound`() throws {
        let bound: Int64 = 1 << 52
        let lines = (0..<3_000).map { minute in
            Self.line(
                "t\(minute)", "EUR", bound, at: RFC3339.format(UnixTime(seconds: minute * 60)))
        }
        let totals = try rollup(lines.joined(separator: "\n")).totals
        #expect(totals.map(\.settled) == [Int128(bound) * 3_000])
        #expect(totals.map(\.transfers) == [3_000])
        #expect(totals[0].settled > Int128(Int64.max))
        #expect(
            String(decoding: RollupFormat.csv.render(totals: totals), as: UTF8.self)
                == "currency,settled,transfers\nEUR,13510798882111488000,3000\n")
    }

    @Test func `control records and tombstones are counted but add no money`() throws {
        let result = try rollup(
            """
            {"type":"ledger_marker","lsn":"0/16B3748","system":"7301","timeline":1,\
            "marked_at_utc":"2026-03-25T13:25:01Z"}
            {"before":{},"after":null,"op":"d"}
            \(Self.line("a"))
            """)
        #expect(result.counters.control == 2)
        #expect(result.rows.map(\.settled) == [1])
    }

    @Test func `JSON output matches the rows`() throws {
        let result = try rollup([Self.line("a", "USD", 3), Self.line("b")].joined(separator: "\n"))
        let json = RollupFormat.json.render(result.rows)
        #expect(
            String(decoding: json, as: UTF8.self) == """
                [
                {"currency":"EUR","minute":"2026-03-25T13:25","settled":1,"transfers":1},
                {"currency":"USD","minute":"2026-03-25T13:25","settled":3,"transfers":1}
                ]

                """)
        #expect(try JSONSerialization.jsonObject(with: Data(json)) is [Any])
        #expect(String(decoding: RollupFormat.json.render([]), as: UTF8.self) == "[\n]\n")
    }

    @Test func `a missing file or a folder fails before anything is read`() throws {
        let missing = RollupInput.file(path: "/nonexistent/day.ndjson")
        let error = try #require(throws: RollupError.self) {
            _ = try Rollup(inputs: [missing], threads: 2).run()
        }
        #expect("\(error)" == "/nonexistent/day.ndjson: No such file or directory")
        let folder = RollupInput.file(path: "/")
        #expect(throws: RollupError.self) { _ = try Rollup(inputs: [folder], threads: 2).run() }
    }
}
