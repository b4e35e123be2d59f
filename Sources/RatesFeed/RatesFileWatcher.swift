internal import Glibc
internal import Platform
internal import RatesCore
internal import Synchronization
internal import TopologyFile

/// Reads a file of exchange rates whenever it has changed.
final class RatesFileWatcher: RatesOrigin {
    /// Checks that may wait; only one runs at a time.
    private static let waitingLooks = 2
    /// The most problems of a file that are reported at once.
    private static let maximumProblems = 8

    private let thread: WorkerThread<Watch>

    /// Changes with a file's content, whether it is replaced or written in place.
    private struct Identity: Equatable {
        var device: dev_t
        var inode: ino_t
        var size: off_t
        var seconds: Int
        var nanoseconds: Int
    }

    private struct Watch {
        var path: String
        var seen: Identity?
        var isMissing = false
    }

    init(path: String) throws(WorkerThreadError) {
        thread = try WorkerThread(name: "rates-file", capacity: Self.waitingLooks) {
            Watch(path: path)
        }
    }

    func look() async -> RatesObservation {
        (try? await thread.perform { Self.look(&$0) }) ?? .stopped
    }

    func accepted() {}
    func stop() { thread.requestStop() }
    func close() async { await thread.stop() }

    private static func look(_ watch: inout Watch) -> RatesObservation {
        guard let identity = identity(of: watch.path) else {
            defer { (watch.seen, watch.isMissing) = (nil, true) }
            return watch.isMissing
                ? .nothingNew : .problem(.fileMissing, detail: watch.path, retryAfter: nil)
        }
        watch.isMissing = false
        guard identity != watch.seen else { return .nothingNew }
        watch.seen = identity
        do throws(TopologyFileError) {
            return .rates(PublishedRates(try RatesFile.load(path: watch.path)))
        } catch {
            let told = error.problems.prefix(maximumProblems).map(\.description)
            return .problem(.malformed, detail: told.joined(separator: "; "), retryAfter: nil)
        }
    }

    private static func identity(of path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(
            device: status.st_dev, inode: status.st_ino, size: status.st_size,
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
}
