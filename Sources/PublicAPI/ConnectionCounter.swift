internal import HTTPListener
internal import Synchronization

/// Counts the connections of all threads.
final class ConnectionCounter: Sendable {
    let max: Int
    private let count = Atomic<Int>(0)

    /// - Parameters:
    ///   - max: the configured maximum; the limit of open files may lower it.
    ///   - openFilesMax: that limit; nil if unknown.
    init(max: Int, openFilesMax: Int?) {
        self.max = openFilesMax.map { min(max, OpenFiles.publicConnections(of: $0)) } ?? max
    }

    var open: Int { count.load(ordering: .relaxed) }

    func add(_ change: Int) { count.add(change, ordering: .relaxed) }
}
