internal import Synchronization

/// Counts the connections of all threads.
final class ConnectionCounter: Sendable {
    /// Open files that are left to everything else in the process; half of them where there are
    /// few.
    private static let filesReserved = 256

    let max: Int
    private let count = Atomic<Int>(0)

    /// - Parameters:
    ///   - max: as configured; lowered to what the limit of open files leaves.
    ///   - openFilesMax: that limit; nil where it is not known.
    init(max: Int, openFilesMax: Int?) {
        let left = openFilesMax.map { $0 - min(Self.filesReserved, $0 / 2) } ?? max
        self.max = min(max, Swift.max(1, left))
    }

    var open: Int { count.load(ordering: .relaxed) }

    func add(_ change: Int) { count.add(change, ordering: .relaxed) }
}
