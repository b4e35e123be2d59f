import Addresses
import ArgumentParser
import Glibc
import Platform

/// Runs many viewers of the live stream in one process; some of them never read.
struct ViewersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "viewers", abstract: "Load servers with viewers of the live stream.",
        discussion: """
            Connects the viewers, waits for `go` on standard input if requested, watches, and \
            prints one JSON object: connections, the time they took, and for each event how many \
            viewers it reached and how long after its publication. The id of an event must end \
            with the time of its publication in milliseconds, as in `tributary-bench serve`.

            The limit of open files bounds the viewers of one process. To share a target between \
            several processes, give each a different loopback address as --source.

            EXAMPLE:
              tributary-bench viewers --target 127.0.0.1:8080 --count 5000 --silent 1000
            """)

    @Option(name: .customLong("target"), help: "A server; may be repeated.")
    var targets: [String]

    @Option(help: "Number of viewers of all targets together.")
    var count: Int

    @Option(help: "Number of viewers that never read.")
    var silent = 0

    @Option(help: "The source address of the viewers.")
    var source = "127.0.0.1"

    @Option(help: "Seconds to watch after all have connected.")
    var seconds = 10

    @Option(name: .customLong("server-pid"), help: "A server's process, for its memory.")
    var serverPids: [Int32] = []

    @Flag(help: "Print `connected` and wait for a line on standard input before watching.")
    var waits = false

    func validate() throws {
        guard !targets.isEmpty, targets.allSatisfy({ HostPort($0) != nil }) else {
            throw ValidationError("--target must be HOST:PORT with an address of this machine.")
        }
        guard count > 0, silent >= 0, silent <= count else {
            throw ValidationError("--count must be at least 1, and --silent at most --count.")
        }
    }

    func run() async throws {
        let before = ResidentMemory.kibibytes(of: serverPids)
        let fleet = try await ViewerFleet(
            targets: targets.compactMap { HostPort($0) }, source: source, count: count,
            silent: silent)
        let began = SystemClock.uptime()
        try await fleet.connect()
        let took = SystemClock.uptime() - began
        if waits {
            print("connected")
            fflush(nil)
            _ = readLine()
        }
        let after = ResidentMemory.kibibytes(of: serverPids)
        try await fleet.read { $0.statistics.startCounting() }
        try await Task.sleep(for: .seconds(seconds))
        let memory =
            serverPids.isEmpty
            ? "" : ",\"server_bytes_per_viewer\":\((after - before) * 1_024 / count)"
        let silent = silent
        print(
            try await fleet.read { state in
                """
                {"viewers":\(state.open),"silent":\(silent),"failed":\(state.failed),\
                "lost":\(state.lost),"connect_ms":\(took)\(memory),\
                "updates":[\(state.statistics.json)]}
                """
            })
        await fleet.stop()
    }
}
