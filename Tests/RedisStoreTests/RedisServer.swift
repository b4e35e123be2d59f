import Foundation
import Glibc

/// A real redis-server for one test, on a socket in its own folder.
///
/// It ends with the test, and after five minutes in any case.
final class RedisServer {
    let folder: URL
    var socket: String { folder.appending(path: "redis.sock").path }
    /// The TCP port; 0 if there is only the socket.
    let port: Int
    private var process: Process?

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Starts the server and waits until it answers.
    init(port: Int = 0) throws {
        self.port = port
        // A socket's path must be short: at most 107 bytes.
        folder = URL(filePath: "/tmp/redis-store-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Runs `body` with its own server.
    static func with<Answer>(
        port: Int = 0, _ body: (RedisServer) async throws -> Answer
    ) async throws -> Answer {
        let server = try RedisServer(port: port)
        defer { server.kill() }
        return try await body(server)
    }

    func start() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = [
            "--signal=KILL", "300", "redis-server", "--port", String(port), "--bind", "127.0.0.1",
            "--unixsocket", socket, "--dir", folder.path, "--appendonly", "yes", "--appendfsync",
            "everysec", "--save", "", "--maxmemory-policy", "noeviction", "--logfile",
            folder.appending(path: "log").path,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = process
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if (try? cli("PING")) == "PONG" { return }
            usleep(20_000)
        }
        throw Failure(description: "redis-server did not answer")
    }

    /// Kills the server with signal 9 and waits until it is gone.
    func kill() {
        guard let process, process.isRunning else { return }
        if let text = try? cli("INFO", "server"),
            let line = text.split(whereSeparator: \.isNewline).first(where: {
                $0.hasPrefix("process_id:")
            }), let pid = Int32(line.dropFirst("process_id:".count))
        {
            Glibc.kill(pid, SIGKILL)
        }
        Glibc.kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        self.process = nil
    }

    /// The output of `redis-cli` for one command, without the final line end.
    @discardableResult
    func cli(_ arguments: String...) throws -> String { try cli(arguments) }

    @discardableResult
    func cli(_ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/redis-cli")
        process.arguments = ["-s", socket] + arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "redis-cli \(arguments) failed")
        }
        var text = String(decoding: data, as: UTF8.self)
        while text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// All keys, sorted.
    func keys() throws -> [String] {
        try cli("KEYS", "*").split(separator: "\n").map(String.init).filter { !$0.isEmpty }.sorted()
    }

    /// A hash as a dictionary.
    func hash(_ key: String) throws -> [String: String] {
        let lines = try cli("HGETALL", key)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var hash: [String: String] = [:]
        for index in stride(from: 0, to: lines.count - 1, by: 2) {
            hash[lines[index]] = lines[index + 1]
        }
        return hash
    }

    /// A port of this machine that was free a moment ago.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound else { throw Failure(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func socket(_ domain: Int32, _ type: Int32, _ number: Int32) -> Int32 {
        Glibc.socket(domain, type, number)
    }
}
