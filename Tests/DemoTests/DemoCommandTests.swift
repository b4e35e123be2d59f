import Foundation
import Subprocess
import Testing

/// Runs the demo like a user. Each test has its own processes, ports and folder.
@Suite struct DemoCommandTests {
    @Test func `a rate whose ids would run out before sixty days ends exact, without history`()
        async throws
    {
        let arguments = ["--rate", "579", "--regions", "3", "--history", "0s", "--seconds", "1"]
        let result = try await demo(arguments)
        #expect(result.status == .exited(0), "\(result.error)")
        #expect(result.output.contains("\nexact: "))
    }

    @Test func `the highest rate is accepted, and Ctrl-C still works`() async throws {
        let arguments = ["--rate", "100000", "--regions", "1", "--history", "0s"]
        let result = try await demo(arguments) { line, folder, stop in
            if line.hasPrefix("live ") { try stop(.interrupt) }
        }
        // Exact, or an error that the broker was full; never a trap.
        #expect([.exited(0), .exited(1)].contains(result.status), "\(result.error)")
    }

    @Test func `Ctrl-C while history is produced ends the demo without a result`() async throws {
        var folder = ""
        let result = try await demo(Self.longHistory) { line, ofRun, stop in
            folder = ofRun
            if line.hasPrefix("page ") { try stop(.interrupt) }
        }
        #expect(result.status == .exited(130), "\(result.error)")
        #expect(result.output.hasSuffix("\nended without a comparison\n"))
        #expect(folder.hasPrefix("/tmp/tributary-demo-"))
        #expect(!FileManager.default.fileExists(atPath: folder))
        #expect(Self.processes(naming: folder).isEmpty)
    }

    @Test func `a child that ends while history is produced ends the demo`() async throws {
        var folder = ""
        let result = try await demo(Self.longHistory) { line, ofRun, _ in
            folder = ofRun
            guard line.hasPrefix("page ") else { return }
            let hq = Self.processes(naming: folder).filter { $0.words.contains("hq") }
            try #require(hq.count == 1)
            kill(hq[0].pid, SIGKILL)
        }
        #expect(result.status == .exited(1))
        #expect(result.error.contains("hq ended by itself"), "\(result.error)")
        #expect(!FileManager.default.fileExists(atPath: folder))
        #expect(Self.processes(naming: folder).isEmpty)
    }

    /// Takes minutes to produce, so that a test can act while history is produced.
    private static let longHistory = ["--regions", "1", "--rate", "200"]

    @Test(arguments: [
        (#"s|^hq:$|hq: [http://127.0.0.1:9]|; /8081$/{/^  - /d}"#, "hq"),
        (#"s|^redis:$|redis: {address: 127.0.0.1:9}|; /^  address:/d"#, "redis.address"),
        (#"s|^  admin: .*|  "admin": 127.0.0.1:9|"#, "listeners"),
        (#"s|^  bootstrap.servers: .*|  "bootstrap.servers": 127.0.0.1:9|"#, "bootstrap.servers"),
        (#"s|^kafka:$|kafka:\n  metadata.broker.list: 127.0.0.1:9|"#, "bootstrap.servers"),
    ])
    func `a topology whose addresses the demo cannot replace is refused`(edit: String, key: String)
        async throws
    {
        let folder = try Self.editedTopology(edit)
        defer { try? FileManager.default.removeItem(at: folder) }
        let result = try await demo(
            ["--topology", folder.appendingPathComponent("topology.yaml").path, "--regions", "1"])
        #expect(result.status == .exited(1))
        #expect(result.error.contains("the demo could not replace "))
        #expect(result.error.contains(key))
        #expect(!result.output.contains("total "))
    }

    @Test(arguments: ["", "0", "s", "-1s", "1h30", "25h", "1w"])
    func `an invalid span is refused`(span: String) async throws {
        #expect(try await demo(["--history=\(span)"]).status == .exited(64))
    }

    @Test(arguments: ["0", "5184001", "9223372036854775807"])
    func `an invalid number of seconds is refused`(_ seconds: String) async throws {
        let result = try await demo(["--seconds", seconds])
        #expect(result.status == .exited(64))
        #expect(result.error.hasPrefix("Error: --seconds must be 1 to 5184000.\n"))
    }

    @Test func `more history than the brokers can hold is refused`() async throws {
        let result = try await demo(["--rate", "201"])
        #expect(result.status == .exited(64))
        #expect(result.error.hasPrefix("Error: --rate must be at most 200 with a --history of 24h"))
    }

    /// The repository's topology, edited by `sed`.
    private static func editedTopology(_ edit: String) throws -> URL {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("demo-topology-\(UInt64.random(in: 0...UInt64.max))")
        let files = FileManager.default
        for part in ["regions", "deploy/rates"] {
            try files.createDirectory(
                at: folder.appendingPathComponent(part), withIntermediateDirectories: true)
        }
        let names = ["eu-west", "us-east", "ap-south"].map { "regions/\($0).yaml" }
        for name in ["topology.yaml", "deploy/rates/example.json"] + names {
            try files.copyItem(
                at: root.appendingPathComponent(name), to: folder.appendingPathComponent(name))
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sed")
        process.currentDirectoryURL = folder
        process.arguments = ["-i", edit, "topology.yaml"] + names
        try process.run()
        process.waitUntilExit()
        return folder
    }

    /// Processes whose command line contains `text`.
    private static func processes(naming text: String) -> [(pid: pid_t, words: [String])] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.compactMap { pid in
            guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
                return nil
            }
            let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.contains { $0.contains(text) } ? (pid, words) : nil
        }
    }
}

/// Runs the demo to its end. `onLine` gets each line of its output, its folder and its signaller.
private func demo(
    _ arguments: [String],
    _ onLine: (_ line: String, _ folder: String, _ stop: (Signal) throws -> Void) throws -> Void =
        { _, _, _ in }
) async throws -> (status: TerminationStatus, output: String, error: String) {
    let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let errors = FileManager.default.temporaryDirectory
        .appendingPathComponent("demo-errors-\(UInt64.random(in: 0...UInt64.max))")
    defer { try? FileManager.default.removeItem(at: errors) }
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let command =
        ["--pdeathsig", "TERM", "bash", "-c", #"cd "$1"; exec 2>"$2"; shift 2; exec "$@""#, "demo"]
        + [root.path, errors.path, products.appendingPathComponent("tributary").path, "demo"]
        + ["--port", "0"] + arguments
    let outcome = try await run(
        .name("setpriv"), arguments: .init(command), input: .none, output: .sequence,
        error: .discarded
    ) { execution in
        var text = ""
        var folder = ""
        for try await line in execution.standardOutput.strings() {
            text += line + "\n"
            if line.hasPrefix("topology ") {
                folder = String(line.split(separator: " ")[1].dropLast("/topology.yaml".count))
            }
            try onLine(line, folder) { try execution.send(signal: $0) }
        }
        return text
    }
    let error = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
    return (outcome.terminationStatus, outcome.closureResult, error)
}
