import Foundation
import Testing

/// The limit of open files bounds the connections, and is said.
@Suite struct OpenFilesTests {
    /// What a listener started under these limits logs, and how many connections it answers at a
    /// time, up to three.
    private static func listener(_ limits: String) throws -> (log: String, answered: Int) {
        let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [
            "-c",
            """
            log=$(mktemp)
            coproc { \(limits) && exec "$T" serve --threads 1 2> "$log"; }
            trap 'kill $COPROC_PID; wait $COPROC_PID; rm "$log"' EXIT
            read -t 30 -r -u "${COPROC[0]}" _ address
            port=${address##*:}
            answered=0
            for descriptor in 11 12 13; do
                eval "exec $descriptor<>/dev/tcp/127.0.0.1/$port"
                printf 'GET /livez HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' >&$descriptor
                read -t 30 -r -u $descriptor _ status _
                [ "$status" = 200 ] && answered=$((answered + 1))
            done
            echo $answered
            cat "$log"
            """,
        ]
        process.environment = [
            "T": products.appendingPathComponent("tributary-bench").path,
            "PATH": "/usr/bin:/bin",
        ]
        let out = Pipe()
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(
            decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let answered = text.prefix { $0 != "\n" }
        return (String(text.dropFirst(answered.count)), Int(answered) ?? 0)
    }

    @Test func `a soft limit is raised to the hard one`() throws {
        let (log, answered) = try Self.listener("ulimit -Sn 257 && ulimit -Hn 1000")
        #expect(answered == 3)
        #expect(log.contains("connections_max=744"), "\(log)")
        #expect(log.contains("open_files_max=1000"), "\(log)")
        #expect(log.contains("the limit of open files lowers the limit of connections"), "\(log)")
    }

    @Test func `half of a small hard limit is left to connections`() throws {
        let (log, answered) = try Self.listener("ulimit -n 256")
        #expect(answered == 3)
        #expect(log.contains("connections_max=128"), "\(log)")
    }
}
