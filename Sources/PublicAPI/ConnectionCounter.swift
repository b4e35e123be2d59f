internal import Glibc
internal import Synchronization

/// Counts the connections of all threads.
final class ConnectionCounter: Sendable {
    /// Open files that are left to everything else in the process.
    private static let filesReserved = 256

    let max: Int
    private let count = Atomic<Int>(0)

    /// - Parameter max: as configured; lowered to what the limit of open files leaves.
    init(max: Int) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            self.max = max
            return
        }
        let files = Int(clamping: limit.rlim_cur)
        self.max = Swift.min(max, Swift.max(1, files - Self.filesReserved))
    }

    var open: Int { count.load(ordering: .relaxed) }

    func add(_ change: Int) { count.add(change, ordering: .relaxed) }
}
