import Foundation
import Glibc

/// A test's real redis-server, on a socket in its own folder. It ends with the test, and in any
/// case after two minutes.
final class RedisProcess {
    let folder: URL
    var socket: String { folder.appending(path: "redis.sock").path }
    private var process: pid_t?

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Creates the folder without starting the server.
    init() throws {
        // A socket's path can have at most 107 bytes.
        folder = URL(filePath: "/tmp/hq-test-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts the server, empty, and waits until it answers.
    func start() throws {
        process = try Self.spawn([
            "/usr/bin/timeout", "120", "redis-server", "--port", "0", "--unixsocket", socket,
            "--dir", folder.path, "--save", "", "--logfile", folder.appending(path: "log").path,
        ])
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if (try? command("PING")) == "PONG" { return }
            usleep(20_000)
        }
        throw Failure(description: "redis-server did not answer")
    }

    func stop() {
        guard let process else { return }
        // `timeout` forwards the signal.
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        self.process = nil
    }

    /// Starts a process without blocked signals. `Process` would pass on the signal mask of its
    /// thread, and if that blocks signals, neither `timeout` nor a server would ever end.
    private static func spawn(_ arguments: [String]) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var texts = arguments.map { strdup($0) } + [nil]
        defer { for text in texts { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, arguments[0], nil, &attributes, &texts, environ)
        guard failure == 0 else { throw Failure(description: "cannot start \(arguments[0])") }
        return pid
    }

    /// The output of `redis-cli` for one command.
    @discardableResult
    func command(_ arguments: String...) throws -> String { try run(arguments) }

    /// Like `command`.
    @discardableResult
    func run(_ arguments: [String]) throws -> String {
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
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
