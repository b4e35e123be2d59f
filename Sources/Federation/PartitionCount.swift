package import Identifiers

/// How many partitions a log has.
package struct PartitionCount: Hashable, Sendable {
    package var log: LogID
    package var count: Int32

    package init(log: LogID, count: Int32) {
        self.log = log
        self.count = count
    }
}
