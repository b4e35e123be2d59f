import Aggregation
import ArgumentParser
import Foundation
import Rollup
import Topology

/// `tributary rollup`.
struct RollupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollup",
        abstract: "Sum files of transfers by currency and minute.",
        discussion: """
            Reads files of settled transfers, one JSON record per line (standard input without \
            files, or for "-"), with the same decoder and rules as a region's aggregator: the \
            first record of a transfer_id counts. Reads gzip and zstd files directly; for other \
            compressed files, names the command that decompresses them. Text is UTF-8, or UTF-16 \
            with a byte-order mark. Prints currency,minute,settled,transfers, with sums in minor \
            units. Counters go to standard error.

            Exit status 1: no transfer was counted. Exit status 65: some were counted, but a file \
            does not have one record per line, or, with --strict, a line was rejected.

            EXAMPLES:
              tributary generate 1000000 --out day.ndjson
              tributary rollup day.ndjson > day.csv
              tributary rollup monday.ndjson.gz tuesday.ndjson.gz --format json
              tributary rollup --total --strict day.ndjson
              tributary rollup --settled BOOKED changes.ndjson
            """)

    @Argument(help: "Files of records, in order; \"-\" is standard input.", completion: .file())
    var files: [String] = []

    @Option(help: "csv or json.")
    var format: RollupFormat = .csv

    @Flag(help: "Print one line per currency, the sum over all minutes.")
    var total = false

    @Flag(help: "Exit with status 65 if any line was rejected.")
    var strict = false

    @Flag(inversion: .prefixedNo, help: "Count each transfer_id once.")
    var dedupe = true

    @Option(
        help: ArgumentHelp(
            "A value of a row's state that means settled; may be repeated.",
            discussion: "Default: \(Region.defaultSettledWords.joined(separator: ", ")).",
            valueName: "word"))
    var settled: [String] = []

    @Option(help: "Number of threads; all cores by default.")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...Self.threadsMax).contains(threads) {
            throw ValidationError("--threads must be 1 to \(Self.threadsMax), not \(threads).")
        }
        if files.filter({ $0 == "-" }).count > 1 {
            throw ValidationError("Standard input can be read only once.")
        }
    }

    func run() throws {
        let inputs: [RollupInput] = (files.isEmpty ? ["-"] : files).map {
            $0 == "-" ? .standardInput : .file(path: $0)
        }
        var rollup = Rollup(
            inputs: inputs, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        rollup.dedupes = dedupe
        if !settled.isEmpty { rollup.settledWords = settled }
        let line = ProgressLine()
        rollup.onProgress = { progress in line.show { Self.describe(progress, seconds: $0) } }
        let result = try rollup.run()
        line.clear()
        do {
            try ByteOutput().write(
                total ? format.render(totals: result.totals) : format.render(result.rows))
        } catch let failure as ByteOutput.Failure where failure.isClosedPipe {
            return
        }
        writeToStandardError(Self.describe(result.counters))
        let complaints = complaints(of: result)
        guard complaints.isEmpty else {
            writeToStandardError(complaints.map { "Error: \($0)\n" }.joined())
            throw result.counters.applied == 0 ? ExitCode.failure : Self.partlyUnread
        }
    }

    /// `EX_DATAERR` of sysexits.h.
    private static let partlyUnread = ExitCode(65)

    /// Errors about the result; without them, an empty table would look like a quiet day.
    private func complaints(of result: RollupResult) -> [String] {
        var complaints = result.refused.map { input in
            "\(input.name): no line was counted, because the file is an array or its records span "
                + "several lines. Expected one JSON record per line, as written by jq -c '.[]' or "
                + "jq -c ."
        }
        let counters = result.counters
        if counters.applied == 0, result.refused.isEmpty {
            complaints.append(Self.emptiness(counters))
        } else if strict, counters.applied > 0, counters.rejectedTotal > 0 {
            complaints.append("rejected lines: \(counters.rejectedTotal). --strict allows none.")
        }
        return complaints
    }

    /// Why no transfer was counted.
    private static func emptiness(_ counters: RollupCounters) -> String {
        if counters.consumed == 0 { return "the input contains no record." }
        if counters.understoodNothing {
            return "no line is a JSON record. Expected one record per line."
        }
        if counters.rejectedTotal == 0 {
            return "no line has a settled state. Use --settled for other values that mean settled."
        }
        return "no transfer was counted: every line with a transfer was rejected."
    }

    private static let threadsMax = 256

    private static func describe(_ progress: RollupProgress, seconds: Double) -> String {
        let share =
            progress.totalBytes.map { total in
                total > 0 ? "\(progress.bytes * 100 / total) %  " : ""
            } ?? ""
        let rate = Int(Double(progress.records) / max(seconds, 0.001))
        return "\(share)\(progress.records) records  \(rate)/s"
    }

    /// `consumed`, `applied` and the counters that are not zero, on one line.
    private static func describe(_ counters: RollupCounters) -> String {
        var parts = ["consumed=\(counters.consumed)", "applied=\(counters.applied)"]
        if counters.duplicate > 0 { parts.append("duplicate=\(counters.duplicate)") }
        if counters.conflicts > 0 { parts.append("conflicts=\(counters.conflicts)") }
        if counters.control > 0 { parts.append("control=\(counters.control)") }
        if counters.rejectedTotal > 0 { parts.append("rejected=\(counters.rejectedTotal)") }
        for reason in RejectReason.allCases {
            let count = counters.rejected[Int(reason.rawValue)]
            if count > 0 { parts.append("rejected{\(reason.name)}=\(count)") }
        }
        return parts.joined(separator: " ") + "\n"
    }
}

extension RollupFormat: ExpressibleByArgument {}
