import CivilTime
import Foundation
import Identifiers
import KafkaClient
import Logging
import Platform
import RedisStore
import Topology

/// One run of the demo, from the first process to the comparison.
struct Demo {
    let workspace: DemoWorkspace
    let processes: DemoProcesses
    let interrupts: DemoInterrupts
    let options: DemoCommand
    private let started = ContinuousClock.now

    /// How long a broker may take to print its address.
    private static let startPatience = Duration.seconds(20)
    /// How long HQ may take to answer with a first total.
    private static let totalPatience = Duration.seconds(60)
    /// How often the demo checks that its children are alive.
    private static let watchEvery = Duration.milliseconds(100)

    /// What the phases share once the history is produced.
    private struct Stage: Sendable {
        var brokers: [RegionID: String]
        var traffic: [DemoTraffic]
        var store: RedisStore
        var line: DemoLine
    }

    /// Whether everything was exact; nil if an interrupt ended the demo before the comparison.
    func run() async throws -> Bool? {
        guard let stage = try await whileWell(upTo: 0, { try await prepare() }) else { return nil }
        defer { for stream in stage.traffic { stream.close() } }
        _ = try await whileWell(upTo: 0) { try await runLive(stage) }
        await stage.line.end()
        return try await whileWell(upTo: interrupts.count) { try await compare(stage) }
    }

    /// Performs `work`. Throws if a child ends meanwhile, and returns nil after more than the given
    /// number of interrupts.
    private func whileWell<Answer: Sendable>(
        upTo tolerated: Int, _ work: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer? {
        try await withThrowingTaskGroup(of: Answer?.self) { group in
            group.addTask { try await work() }
            group.addTask { [interrupts, processes] in
                while interrupts.count <= tolerated {
                    try processes.requireAlive()
                    try await Task.sleep(for: Self.watchEvery)
                }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func prepare() async throws -> Stage {
        let brokers = try await startServers()
        try workspace.write(brokers: brokers)
        print("topology \(workspace.topologyPath)")
        try await startTributary()
        let api = DemoAPI(port: workspace.publicPort)
        print("total    \(api.totalURL)\npage     http://127.0.0.1:\(workspace.publicPort)/")
        fflush(nil)
        try await waitForTotal(api)
        let waited = Int(started.duration(to: .now) / .milliseconds(100))
        print("first answer after \(waited / 10).\(waited % 10) s")
        fflush(nil)

        let traffic = try traffic(brokers)
        let store = try openStore()
        let line = DemoLine(
            api: api, store: store, traffic: traffic, regions: workspace.regions.map(\.id))
        let stage = Stage(brokers: brokers, traffic: traffic, store: store, line: line)
        try await fillHistory(stage)
        return stage
    }

    /// What each region produces. Busier regions get a greater share of the rate.
    private func traffic(_ brokers: [RegionID: String]) throws -> [DemoTraffic] {
        let now = Self.now()
        let medians = try DemoAmounts.medians(ratesPath: workspace.ratesPath)
        let habits = workspace.regions.map { DemoHabits.of($0.id) }
        let parts = habits.reduce(0) { $0 + $1.parts }
        return try zip(workspace.regions, habits).enumerated().map { index, pair in
            let (region, habits) = pair
            return try DemoTraffic(
                region: region, index: index, brokers: brokers[region.id] ?? "", now: now,
                seed: options.seed, historyMilliseconds: options.history.milliseconds,
                habits: habits, perMinute: max(1, options.rate * 60 * habits.parts / parts),
                medians: medians)
        }
    }

    private func compare(_ stage: Stage) async throws -> Bool {
        for stream in stage.traffic { try await stream.finish() }
        try checkRetention(stage.brokers)
        let comparison = DemoComparison(
            store: stage.store, api: DemoAPI(port: workspace.publicPort),
            topologyPath: workspace.topologyPath, regions: workspace.regions.map(\.id),
            traffic: stage.traffic)
        let isExact = try await comparison.run()
        await stage.store.stop()
        return isExact
    }

    /// Starts Redis and the brokers. Returns each region's bootstrap address.
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

    /// The text after `prefix` in the first line of a log that begins with it.
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
            try await Task.sleep(for: .milliseconds(20))
        }
        throw DemoFailure("\(name) did not start in \(Self.startPatience)")
    }

    /// Wait for the first total before producing history, which keeps all processors busy and
    /// would delay that total on a small machine.
    private func waitForTotal(_ api: DemoAPI) async throws {
        let deadline = ContinuousClock.now + Self.totalPatience
        while await api.total() == nil {
            guard ContinuousClock.now < deadline else {
                throw DemoFailure("headquarters did not answer in \(Self.totalPatience)")
            }
            try await Task.sleep(for: Self.watchEvery)
        }
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

    private func fillHistory(_ stage: Stage) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for stream in stage.traffic {
                group.addTask {
                    try await onThread(of: stream, "history") { try $0.fillHistory() }
                    return true
                }
            }
            group.addTask { await show(stage.line, "history") }
            var filled = 0
            while filled < stage.traffic.count, try await group.next() == true { filled += 1 }
            group.cancelAll()
        }
        // The comparison needs the whole history.
        try Task.checkCancellation()
    }

    /// Runs until the task is cancelled, or for `--seconds`.
    private func runLive(_ stage: Stage) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for stream in stage.traffic {
                group.addTask {
                    try await onThread(of: stream, "live") { try $0.runLive(now: Self.now) }
                    return false
                }
            }
            if let seconds = options.seconds {
                group.addTask {
                    try? await Task.sleep(for: .seconds(seconds))
                    return true
                }
            }
            group.addTask { await show(stage.line, "live") }
            while let isOver = try await group.next(), !isOver {}
            group.cancelAll()
        }
    }

    /// Producing blocks while the broker is busy, so each stream has its own thread. Cancelling the
    /// task stops the threads.
    private func onThread(
        of stream: DemoTraffic, _ name: String,
        _ work: @escaping @Sendable (DemoTraffic) throws -> Void
    ) async throws {
        let thread = try WorkerThread<Void>(name: name, capacity: 1)
        try await withTaskCancellationHandler {
            try await thread.perform { _ in try work(stream) }
        } onCancel: {
            stream.stop()
        }
        await thread.stop()
    }

    private func show(_ line: DemoLine, _ phase: String) async -> Bool {
        while !Task.isCancelled {
            await line.show(phase: phase)
            try? await Task.sleep(for: .seconds(1))
        }
        return false
    }

    /// Throws if the embedded broker dropped records. It drops the oldest ones silently when it is
    /// full, and the comparison would then blame the aggregator.
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
                    "region \(region.id): the embedded broker was full and dropped records; "
                        + "use a lower --rate")
            }
        }
    }

    @Sendable static func now() -> UnixTime { SystemClock.now() }
}
