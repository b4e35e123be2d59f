import Foundation
import Testing

/// The commands as people run them.
@Suite struct RollupCommandTests {
    /// Runs a line of shell in which `$T` is the built binary.
    static func shell(_ line: String) throws -> (status: Int32, out: String, err: String) {
        // The binary lies beside the test bundle.
        let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-o", "pipefail", "-c", line]
        process.environment = ["T": products.appendingPathComponent("tributary").path]
        let out = Pipe()
        let err = Pipe()
        process.standardOutput = out
        process.standardError = err
        try process.run()
        // Messages are short: they fit the pipe while the output is read.
        let outData = out.fileHandleForReading.readDataToEndOfFile()
        let errData = err.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: outData, as: UTF8.self),
            String(decoding: errData, as: UTF8.self)
        )
    }

    @Test func `generated lines roll up from a pipe as from a file`() throws {
        let answer = try Self.shell(
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

    @Test func `counters go to standard error`() throws {
        let answer = try Self.shell(#"printf '{}\n\n7\n' | $T rollup"#)
        #expect(answer.status == 0)
        #expect(answer.out == "currency,minute,settled,transfers\n")
        #expect(
            answer.err
                == "consumed=2 applied=0 rejected=2 rejected{json}=1 rejected{missing}=1\n")
    }

    @Test(arguments: [
        ("[\\n7\\n]\\n", "standard input: no line of it was counted: it is an array"),
        ("settled, thank you\\n", "no line is a JSON record"),
        ("\\xff\\xfe{\\x00\\n", "no line is a JSON record"),
    ])
    func `it is an error where nothing was understood`(_ text: String, _ message: String) throws {
        let answer = try Self.shell("printf '\(text)' | $T rollup")
        #expect(answer.status == 65)
        #expect(answer.out == "currency,minute,settled,transfers\n")
        #expect(answer.err.contains("\nError: \(message)"), "\(answer.err)")
    }

    @Test func `the words that mean settled can be given`() throws {
        let row = String(RollupTests.line("a").dropLast()) + #","state":"booked"}"#
        let header = "currency,minute,settled,transfers\n"
        #expect(try Self.shell("echo '\(row)' | $T rollup").out == header)
        let answer = try Self.shell("echo '\(row)' | $T rollup --settled x --settled booked")
        #expect(answer.out == header + "EUR,2026-03-25T13:25,1,1\n")
    }

    @Test func `a broker gets the same records, keyed by their ids`() throws {
        let answer = try Self.shell(
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

    @Test func `a reader that leaves early is no error`() throws {
        let answer = try Self.shell("$T generate 1000000 | head -2 | wc -l")
        #expect(answer.status == 0)
        #expect(answer.out.trimmingCharacters(in: .whitespaces) == "2\n")
        #expect(answer.err == "")
    }

    @Test(arguments: [
        ("rollup /nonexistent", 1, "Error: /nonexistent: No such file or directory"),
        ("rollup --threads 0", 64, "Error: --threads must be 1 to 256, not 0."),
        ("rollup --format xml", 64, "Error: The value 'xml' is invalid"),
        ("generate 5 --out /nonexistent/x", 1, "Error: /nonexistent/x: No such file"),
        ("generate -- -1", 64, "Error: the count must be 0 to 1000000000, not -1."),
        ("generate 5 --late 101%", 64, "Error: The value '101%' is invalid"),
        ("generate 5 --rate 5 --duration 1h", 64, "Error: --rate and --duration contradict"),
        ("generate 5 --kafka 127.0.0.1:1", 64, "Error: --kafka and --topic go together."),
        ("generate 5 --kafka 127.0.0.1:1 --topic t", 1, "Error: 127.0.0.1:1 acknowledged 0 of 5"),
        ("generate 5 --duration 91d", 64, "Error: the duration must be over 0"),
    ])
    func `mistakes are named`(_ arguments: String, _ status: Int32, _ message: String) throws {
        let answer = try Self.shell("$T \(arguments)")
        #expect(answer.status == status)
        #expect(answer.out == "")
        #expect(answer.err.hasPrefix(message), "\(answer.err)")
    }
}
