import Foundation
import Platform
import Synchronization

/// The demo's children. Each has its own session, so that Ctrl-C reaches only the demo. The kernel
/// terminates them when the demo dies for any reason.
final class DemoProcesses: Sendable {
    private struct Child {
        var name: String
        var pid: pid_t
    }

    /// How long a child may take to end by itself.
    private static let patience = Duration.seconds(8)

    private let folder: URL
    /// PDEATHSIG fires when the forking thread exits, so one long-lived thread spawns every child.
    private let thread: WorkerThread<Void>
    private let children = Mutex<[Child]>([])

    init(folder: URL) throws {
        self.folder = folder
        thread = try WorkerThread<Void>(name: "children", capacity: 16)
    }

    /// This program's own path.
    static var executable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
    }

    func logPath(_ name: String) -> String {
        folder.appendingPathComponent("\(name).log").path
    }

    /// Starts `command`, its output in the folder as `NAME.log`.
    func start(_ name: String, _ command: [String]) async throws {
        let words = ["setsid", "setpriv", "--pdeathsig", "TERM", "--"] + command
        let log = logPath(name)
        // The thread itself records the child, so cancelling this call cannot lose track of it.
        try await thread.perform { _ in
            let pid = try Self.spawn(words, log: log)
            self.children.withLock { $0.append(Child(name: name, pid: pid)) }
        }
    }

    private static func spawn(_ words: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // Our threads block signals; a child must not inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, environ)
        guard status == 0 else {
            throw DemoFailure("\(words[5]): \(String(cString: strerror(status)))")
        }
        return pid
    }

    /// Throws if a child ended before `stopAll`.
    func requireAlive() throws {
        let dead = children.withLock { children -> String? in
            guard let index = children.firstIndex(where: { waitpid($0.pid, nil, WNOHANG) != 0 })
            else { return nil }
            // Its pid is free now: by the time the others are stopped, another process may have it.
            return children.remove(at: index).name
        }
        if let dead { throw DemoFailure("\(dead) ended by itself") }
    }

    /// Ends all children, the last one started first, and waits for each.
    func stopAll() async {
        let doomed = children.withLock { children in
            defer { children.removeAll() }
            return Array(children.reversed())
        }
        for child in doomed { kill(child.pid, SIGTERM) }
        let deadline = ContinuousClock.now + Self.patience
        for child in doomed {
            while kill(child.pid, 0) == 0, waitpid(child.pid, nil, WNOHANG) == 0 {
                if ContinuousClock.now >= deadline { kill(child.pid, SIGKILL) }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        await thread.stop()
    }

    /// The last lines of each log, for the report of a failure.
    func lastWords() -> String {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".log") }.sorted().map { name in
            let path = folder.appendingPathComponent(name).path
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return "── \(name)\n" + text.split(separator: "\n").suffix(5).joined(separator: "\n")
                + "\n"
        }.joined()
    }
}
