import Glibc
import KafkaClient
import Subprocess
import Testing

@Suite struct BrokerCommandTests {
    @Test func `kcat produces to the requested port and reads from it`() async throws {
        let port = try freePort()
        let topic = "transaction.settled"
        try await withBroker(["--port", "\(port)", "--topic", "\(topic):3"]) { bootstrap, _ in
            #expect(bootstrap == "127.0.0.1:\(port)")
            let lines = (0..<30).map { "key-\($0):{\"number\":\($0)}" }
            let produced = try await kcat(
                ["-b", bootstrap, "-t", topic, "-P", "-K", ":", "-z", "lz4"],
                input: lines.joined(separator: "\n") + "\n")
            #expect(produced == "")
            let read = try await kcat(
                ["-b", bootstrap, "-t", topic, "-C", "-e", "-q", "-f", "%k:%s\\n"])
            #expect(Set(read.split(separator: "\n").map(String.init)) == Set(lines))
            let ends = try await withLog(bootstrap, topic) { log in
                let count = try log.partitionCount(timeoutMs: 10_000)
                return try log.endOffsets(Array(0..<Int32(count)), timeoutMs: 10_000)
            }
            #expect(ends.count == 3)
            #expect(ends.values.reduce(0, +) == 30)
        }
    }

    @Test func `An explicit timestamp is kept, a tombstone and headers too`() async throws {
        try await withBroker(["--port", "0", "--topic", "t:1"]) { bootstrap, _ in
            let producer = try KafkaProducer(
                properties: ["bootstrap.servers": bootstrap], logger: silent)
            let place = try producer.topic("t")
            try producer.produce(
                to: place, key: [0x6B], value: [0x76], timestampMs: 1_774_358_701_999,
                headers: [KafkaHeader(name: "reason", value: Array("late".utf8))])
            try producer.produce(to: place, key: [0x6C], value: nil, timestampMs: 7)
            #expect(try await producer.flushed(within: patience))
            producer.close()
            let read = try await kcat(
                ["-b", bootstrap, "-t", "t", "-C", "-e", "-q", "-f", "%o %T %k %S %h\\n"])
            #expect(read == "0 1774358701999 k 1 reason=late\n1 7 l -1 \n")
        }
    }

    @Test(arguments: [Signal.terminate, .interrupt])
    func `A signal ends it within a second, even with a client`(signal: Signal) async throws {
        let port = try freePort()
        var signalled: ContinuousClock.Instant?
        let status = try await withBroker(["--port", "\(port)", "--topic", "t:1"]) {
            bootstrap, stop in
            let produced = try await kcat(["-b", bootstrap, "-t", "t", "-P"], input: "x\n")
            #expect(produced == "")
            signalled = ContinuousClock.now
            try stop(signal)
        }
        let end = ContinuousClock.now
        #expect(status == .exited(0))
        #expect(end - (try #require(signalled)) < .seconds(1))
    }

    @Test func `The error for a taken port names the port`() async throws {
        let port = try freePort()
        try await withBroker(["--port", "\(port)"]) { _, _ in
            let second = try await run(
                .name("setpriv"), arguments: .init(brokerArguments + ["--port", "\(port)"]),
                output: .string(limit: 4096), error: .string(limit: 4096))
            #expect(second.terminationStatus == .exited(1))
            #expect(second.standardOutput == "")
            #expect(second.standardError.contains("127.0.0.1:\(port)"))
        }
    }

    @Test(arguments: [
        ["--topic", "no-count"], ["--topic", "t:0"], ["--topic", "t:1025"], ["--topic", ":3"],
        ["--topic", "bad name:3"], ["--topic", "t:1", "--topic", "t:2"], ["--port", "65536"],
    ])
    func `Invalid arguments are refused before anything starts`(arguments: [String])
        async throws
    {
        let result = try await run(
            .name("setpriv"), arguments: .init(brokerArguments + arguments),
            output: .string(limit: 4096), error: .string(limit: 4096))
        #expect(result.terminationStatus == .exited(64))
        #expect(result.standardOutput == "")
    }
}

/// Runs the binary that was built with this test, in such a way that it ends when the test does.
private let brokerArguments: [String] = {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink("/proc/self/exe", &path, path.count)
    let this = String(
        decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let folder = this.split(separator: "/").dropLast().map { "/" + $0 }.joined()
    return ["--pdeathsig", "TERM", folder + "/tributary", "broker"]
}()

/// Starts a broker, waits for its first line, and stops it at the end if `body` has not.
@discardableResult
private func withBroker(
    _ arguments: [String],
    _ body: (_ bootstrap: String, _ stop: (Signal) throws -> Void) async throws -> Void
) async throws -> TerminationStatus {
    try await run(
        .name("setpriv"), arguments: .init(brokerArguments + arguments),
        input: .none, output: .sequence, error: .discarded
    ) { execution in
        var isStopped = false
        defer { if !isStopped { try? execution.send(signal: .terminate) } }
        var lines = execution.standardOutput.strings().makeAsyncIterator()
        let line = try await lines.next() ?? ""
        let words = line.split(separator: " ")
        try #require(words.count == 2 && words[0] == "bootstrap", "\(line)")
        try await body(String(words[1])) { signal in
            isStopped = true
            try execution.send(signal: signal)
        }
    }.terminationStatus
}

/// Runs kcat to its end and returns its output.
private func kcat(_ arguments: [String], input: String = "") async throws -> String {
    let result = try await run(
        .name("kcat"), arguments: .init(arguments), input: .string(input),
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
    #expect(result.terminationStatus == .exited(0), "\(result.standardError)")
    return result.standardOutput
}

/// A port of loopback that is currently free.
private func freePort() throws -> UInt16 {
    let cluster = try MockCluster(logger: silent)
    defer { cluster.close() }
    return cluster.port
}
