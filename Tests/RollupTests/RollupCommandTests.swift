import Foundation
import Subprocess
import Testing

/// The commands as users run them.
@Suite struct RollupCommandTests {
    /// Runs a shell command line in which `$T` is the built binary.
    ///
    /// Suspends instead of blocking, because all tests share a small thread pool.
    static func shell(
        _ line: String
    ) async throws -> (status: Int32, out: String, err: String) {
        // The binary is next to the test bundle.
        let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let result = try await Subprocess.run(
            .name("bash"), arguments: ["-o", "pipefail", "-c", line],
            environment: .custom(["T": products.appendingPathComponent("tributary").path]),
            output: .string(limit: 1 << 24), error: .string(limit: 1 << 20))
        var status: Int32 = -1
        if case .exited(let code) = result.terminationStatus { status = code }
        return (status, result.standardOutput, result.standardError)
    }

    @Test func `generated lines roll up from a pipe like from a file`() async throws {
        let answer = try await Self.shell(
            """
            file=$(mktemp); trap 'rm -f $file' EXIT
            exec 2>/dev/null
            options='20000 --seed 9 --malformed 1%'
            $T generate $options --out $file
            cmp $file <($T generate $options)
            $T rollup $file | sha256sum
            $T generate $options | $T rollup | sha256sum
            head -c 1000000 $file | $T rollup - | head -1
            """)
        #expect(answer.status == 0)
        let lines = answer.out.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0] == lines[1])
        #expect(lines[2] == "currency,minute,settled,transfers")
    }

    @Test func `counters go to standard error`() async throws {
        let answer = try await Self.shell(#"printf '{}\n\n7\n' | $T rollup"#)
        #expect(answer.status == 1)
        #expect(answer.out == "currency,minute,settled,transfers\n")
        #expect(
            answer.err.hasPrefix(
                "consumed=2 applied=0 rejected=2 rejected{json}=1 rejected{missing}=1\n"))
    }

    @Test(arguments: [
        ("[\\n7\\n]\\n", "standard input: no line was counted, because the file is an array"),
        ("settled, thank you\\n", "no line is a JSON record"),
        ("\\x00\\x01\\xff\\n\\x00", "no line is a JSON record"),
        ("{\\x00\\n\\x00", "no line is a JSON record"),
        ("\\xff\\xfe7\\x00\\n\\x00", "no line is a JSON record"),
        ("{}\\n7\\n", "no transfer was counted: every line with a transfer was rejected."),
        ("", "the input contains no record."), ("\\n \\r\\n", "the input contains no record."),
        (#"{"before":{},"after":null,"op":"d"}\n"#, "no line has a settled state."),
    ])
    func `it is an error if no transfer was counted`(_ text: String, _ message: String)
        async throws
    {
        let answer = try await Self.shell("printf '\(text)' | $T rollup")
        #expect(answer.status == 1)
        #expect(answer.out == "currency,minute,settled,transfers\n")
        #expect(answer.err.contains("\nError: \(message)"), "\(answer.err)")
    }

    @Test(arguments: [
        ("echo '\(RollupTests.line("a"))' | $T rollup --strict", 0, ""),
        ("(echo '\(RollupTests.line("a"))'; echo 7) | $T rollup", 0, ""),
        (
            "(echo '\(RollupTests.line("a"))'; echo 7) | $T rollup --strict", 65,
            "\nError: rejected lines: 1. --strict allows none.\n"
        ),
        ("echo 7 | $T rollup --strict", 1, "\nError: no line is a JSON record."),
        (
            "$T rollup <(echo '\(RollupTests.line("a"))') <(echo '[')", 65,
            ": no line was counted, because the file is an array"
        ),
    ])
    func `rejected lines are an error if none are allowed`(
        _ line: String, _ status: Int32, _ message: String
    ) async throws {
        let answer = try await Self.shell(line)
        #expect(answer.status == status, "\(answer.err)")
        #expect(message.isEmpty || answer.err.contains(message), "\(answer.err)")
        #expect(message.isEmpty != answer.err.contains("Error"), "\(answer.err)")
    }

    @Test func `totals have one line per currency`() async throws {
        let lines = [
            RollupTests.line("a", "USD", 5), RollupTests.line("b", "EUR", 7),
            RollupTests.line("c", "USD", 6, at: "2026-03-26T00:00:00Z"),
        ].joined(separator: "\n")
        let csv = try await Self.shell("echo '\(lines)' | $T rollup --total")
        #expect(csv.out == "currency,settled,transfers\nEUR,7,1\nUSD,11,2\n")
        let json = try await Self.shell("echo '\(lines)' | $T rollup --total --format json")
        #expect(
            json.out == """
                [
                {"currency":"EUR","settled":7,"transfers":1},
                {"currency":"USD","settled":11,"transfers":2}
                ]

                """)
        let none = try await Self.shell("$T rollup --total --format json < /dev/null")
        #expect(none.out == "[\n]\n")
        #expect(none.status == 1)
    }

    @Test(arguments: ["xz", "bzip2"])
    func `other compression is named with the tool that reads it`(_ tool: String) async throws {
        let file = "\(RecordFileTests.folder)/compressed.ndjson"
        let answer = try await Self.shell("\(tool) -c \(file) | $T rollup")
        #expect(answer.status == 1)
        #expect(answer.out == "")
        #expect(
            answer.err
                == "Error: standard input: compressed with \(tool), which is not supported: "
                + "pass it through \(tool) -dc\n")
    }

    @Test func `the states that mean settled can be given`() async throws {
        let row = String(RollupTests.line("a").dropLast()) + #","state":"booked"}"#
        let header = "currency,minute,settled,transfers\n"
        #expect(try await Self.shell("echo '\(row)' | $T rollup").out == header)
        let answer = try await Self.shell("echo '\(row)' | $T rollup --settled x --settled booked")
        #expect(answer.out == header + "EUR,2026-03-25T13:25,1,1\n")
    }

    @Test func `a broker gets the same records, keyed by their ids`() async throws {
        let answer = try await Self.shell(
            #"""
            coproc $T broker --port 0 --topic settled:3
            trap 'kill $COPROC_PID; wait $COPROC_PID' EXIT
            read -t 30 -r -u ${COPROC[0]} _ address
            options='5000 --seed 4 --conflicts 1% --envelopes 5% --start 2026-03-25T00:00:00Z'
            $T generate $options --kafka $address --topic settled
            kcat -C -e -q -b $address -t settled -f '%s\n' | LC_ALL=C sort | sha256sum
            $T generate $options 2>/dev/null | LC_ALL=C sort | sha256sum
            kcat -C -e -q -b $address -t settled -f '%k %T %s\n' \
                | awk '!index($3, "\"transfer_id\":\"" $1 "\"") || $2 < 1774396800000' | wc -l
            """#)
        #expect(answer.err.hasPrefix("5000 events: "), "\(answer.err)")
        let lines = answer.out.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0] == lines[1])
        #expect(lines[2] == "0")
    }

    @Test func `a reader that exits early is not an error`() async throws {
        let answer = try await Self.shell("$T generate 1000000 | head -2 | wc -l")
        #expect(answer.status == 0)
        #expect(answer.out.trimmingCharacters(in: .whitespaces) == "2\n")
        #expect(answer.err == "")
    }

    @Test(arguments: [
        ("rollup /nonexistent", 1, "Error: /nonexistent: No such file or directory"),
        ("rollup --threads 0", 64, "Error: --threads must be 1 to 256, not 0."),
        ("rollup --format xml", 64, "Error: The value 'xml' is invalid"),
        ("rolup", 64, "Error: Unknown command 'rolup'. Did you mean 'rollup'?"),
        ("rolup --help", 64, "Error: Unknown command 'rolup'. Did you mean 'rollup'?"),
        ("help hw", 64, "Error: Unknown command 'hw'. Did you mean 'hq'?"),
        (
            "--help regoin x", 64,
            "Error: Unknown command 'regoin'. Did you mean 'region'?"
        ),
        ("-h '' --help", 64, "Error: Unknown command ''. Did you mean 'hq'?"),
        ("generate 5 --out /nonexistent/x", 1, "Error: /nonexistent/x: No such file"),
        ("generate -- -1", 64, "Error: the count must be 0 to 1000000000, not -1."),
        ("generate 5 --late 101%", 64, "Error: The value '101%' is invalid"),
        ("generate 5 --rate 5 --duration 1h", 64, "Error: --rate and --duration cannot"),
        ("generate 5 --kafka 127.0.0.1:1", 64, "Error: --kafka and --topic must be used together."),
        ("generate 5 --kafka 127.0.0.1:1 --topic t", 1, "Error: 127.0.0.1:1 acknowledged 0 of 5"),
        ("generate 5 --duration 91d", 64, "Error: the duration must be more than 0"),
    ])
    func `mistakes are named`(_ arguments: String, _ status: Int32, _ message: String) async throws
    {
        let answer = try await Self.shell("$T \(arguments)")
        #expect(answer.status == status)
        #expect(answer.out == "")
        #expect(answer.err.hasPrefix(message), "\(answer.err)")
    }

    @Test(arguments: ["--help", "help", "help rollup", "rollup --help", "--help rollup"])
    func `help for an existing command succeeds`(_ arguments: String) async throws {
        let answer = try await Self.shell("$T \(arguments)")
        #expect(answer.status == 0)
        #expect(answer.out.hasPrefix("OVERVIEW: "), "\(answer.out)")
        #expect(answer.err == "")
    }
}
