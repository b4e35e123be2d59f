import CivilTime
import Foundation
import KafkaClient
import Logging
import RedisStore
import Topology
import UnixSignals
import WorkerThread

/// One run of the demo, from the first process to the comparison.
struct Demo {
    let workspace: DemoWorkspace
    let processes: DemoProcesses
    let options: DemoCommand

    /// How long a broker may take to say where it listens.
    private static let startPatience = Duration.seconds(20)

    func run(until interrupts: UnixSignalsSequence) async throws -> Bool {
        let brokers = try await startServers()
        try workspace.write(brokers: brokers)
        print("topology \(workspace.topologyPath)")
        try await startTributary()
        let api = DemoAPI(port: workspace.publicPort)
        print("total    \(api.totalURL)\npage     http://127.0.0.1:\(workspace.publicPort)/")
        fflush(nil)

        let began = Self.now()
        let traffic = try workspace.regions.enumerated().map { index, region in
            try DemoTraffic(
                region: region, index: index, brokers: brokers[region.id] ?? "", now: began,
                seed: options.seed, historyMilliseconds: options.history.milliseconds,
                historyPerMinute: max(1, options.historyRate * 60 / workspace.regions.count),
                livePerMinute: max(1, options.rate * 60 / workspace.regions.count))
        }
        defer { for stream in traffic { stream.close() } }
        let store = try openStore()
        let line = DemoLine(
            api: api, store: store, traffic: traffic, regions: workspace.regions.map(\.id))
        try await fillHistory(traffic, line)
        try await runLive(traffic, from: Self.now(), line, until: interrupts)
        for stream in traffic { try stream.finish() }
        try checkRetention(brokers)
        let comparison = DemoComparison(
            store: store, api: api, topologyPath: workspace.topologyPath,
            regions: workspace.regions.map(\.id), traffic: traffic)
        let isExact = try await comparison.run()
        await store.stop()
        return isExact
    }

    /// Redis and the brokers; the answer is each region's bootstrap address.
    private func startServers() async throws -> [RegionID: String] {
        try await processes.start(
            "redis",
            [
                "redis-server", "--port", "\(workspace.redisPort)", "--bind", "127.0.0.1",
                "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction",
                "--dir", workspace.folder.path,
            ])
        for region in workspace.regions {
            let partitions = region.currentLog?.partitions ?? 6
            try await processes.start(
                "broker-\(region.id)",
                [
                    DemoProcesses.executable, "broker", "--port", "0",
                    "--topic", "\(region.topic):\(partitions)",
                    "--topic", "\(region.deadLetterTopic):1",
                ])
        }
        var brokers: [RegionID: String] = [:]
        for region in workspace.regions {
            brokers[region.id] = try await firstWord(
                after: "bootstrap ", in: "broker-\(region.id)")
        }
        return brokers
    }

    private func startTributary() async throws {
        let topology = ["--topology", workspace.topologyPath]
        let state = ["--state", workspace.file("hq.state")]
        try await processes.start("hq", [DemoProcesses.executable, "hq"] + topology + state)
        for region in workspace.regions {
            try await processes.start(
                "region-\(region.id)",
                [DemoProcesses.executable, "region"] + topology
                    + ["--region", region.id.name, "--node", "\(region.id)-1"])
        }
    }

    /// What follows `prefix` in the first line of a log that begins with it.
    private func firstWord(after prefix: String, in name: String) async throws -> String {
        let deadline = ContinuousClock.now + Self.startPatience
        while ContinuousClock.now < deadline {
            let text = try? String(contentsOfFile: processes.logPath(name), encoding: .utf8)
            if let text,
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }),
                text.hasSuffix("\n")
            {
                return String(line.dropFirst(prefix.count))
            }
            if let dead = processes.firstDead() { throw DemoFailure("\(dead) ended by itself") }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw DemoFailure("\(name) did not start in \(Self.startPatience)")
    }

    private func openStore() throws -> RedisStore {
        var logger = Logger(label: "demo")
        logger.logLevel = .error
        return try RedisStore(
            configuration: RedisStoreConfiguration(
                endpoint: .tcp(host: "127.0.0.1", port: workspace.redisPort),
                regions: workspace.regions.map(\.id)),
            logger: logger)
    }

    private func fillHistory(_ traffic: [DemoTraffic], _ line: DemoLine) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for stream in traffic {
                group.addTask {
                    // Producing blocks while the broker is busy: a thread of its own for each.
                    let thread = try WorkerThread<Void>(name: "history", capacity: 1)
                    try await thread.perform { _ in try stream.fillHistory() }
                    await thread.stop()
                    return true
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    await line.show(phase: "history")
                    try? await Task.sleep(for: .seconds(1))
                }
                return false
            }
            var filled = 0
            while filled < traffic.count, try await group.next() == true { filled += 1 }
            group.cancelAll()
        }
    }

    private func runLive(
        _ traffic: [DemoTraffic], from start: UnixTime, _ line: DemoLine,
        until interrupts: UnixSignalsSequence
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for stream in traffic {
                group.addTask {
                    try await stream.runLive(from: start, now: Self.now)
                    return false
                }
            }
            group.addTask {
                for await _ in interrupts { return true }
                return true
            }
            if let seconds = options.seconds {
                group.addTask {
                    try? await Task.sleep(for: .seconds(seconds))
                    return true
                }
            }
            group.addTask { [processes] in
                while !Task.isCancelled {
                    await line.show(phase: "live")
                    if let dead = processes.firstDead() {
                        throw DemoFailure("\(dead) ended by itself")
                    }
                    try? await Task.sleep(for: .seconds(1))
                }
                return false
            }
            while let isOver = try await group.next(), !isOver {}
            group.cancelAll()
        }
        await line.end()
    }

    /// The embedded broker drops its oldest records without a word; then the check would blame the
    /// wrong one.
    private func checkRetention(_ brokers: [RegionID: String]) throws {
        for region in workspace.regions {
            var logger = Logger(label: "demo")
            logger.logLevel = .error
            let log = try KafkaLog(
                properties: ["bootstrap.servers": brokers[region.id] ?? ""], topic: region.topic,
                logger: logger)
            defer { log.close() }
            let count = try log.partitionCount(timeoutMs: 5_000)
            let lows = try log.startOffsets((0..<Int32(count)).map { $0 }, timeoutMs: 5_000)
            guard lows.values.allSatisfy({ $0 == 0 }) else {
                throw DemoFailure(
                    "region \(region.id): the embedded broker ran full and dropped records; "
                        + "use a lower --rate or --history-rate")
            }
        }
    }

    @Sendable static func now() -> UnixTime { InstantArgument.now }
}
