internal import Aggregation
internal import CivilTime
internal import DeltaProtocol
internal import Money
internal import Platform

/// The rules of an offline fold, applied to entries in the order of their lines. One owner, any
/// thread.
struct RollupFold: ~Copyable {
    private let dedupes: Bool
    private var ids: IDMemory
    private var buckets = BucketTable()
    private(set) var counters = RollupCounters()
    /// Keeps the compiler from removing the prefetching reads.
    private var touched: UInt64 = 0

    /// - Parameter expectedIDs: how many ids to allocate room for, within bounds.
    init(dedupes: Bool, expectedIDs: Int) {
        self.dedupes = dedupes
        ids = IDMemory(
            expected: dedupes ? min(expectedIDs, Self.expectedIDsMax) : 0, forgets: false,
            memory: ZeroedMemory(
                allocate: LargePages.allocate, deallocate: LargePages.deallocate))
    }

    mutating func fold(_ entries: [RollupEntry]) {
        var first = 0
        while first < entries.count {
            let end = min(first + Self.batch, entries.count)
            if dedupes {
                // Prefetch, so that the cache misses of a batch overlap.
                var lines: UInt64 = 0
                for index in first..<end { lines &+= ids.touch(entries[index].id) }
                touched = lines
            }
            for index in first..<end { fold(entries[index]) }
            first = end
        }
    }

    mutating func add(_ counters: RollupCounters) { self.counters.add(counters) }

    @inline(__always)
    private mutating func fold(_ entry: RollupEntry) {
        if dedupes {
            let sighting = ids.sight(
                entry.id, contentCheck: entry.contentCheck, minute: 0, liveAfter: 0)
            switch sighting {
            case .fresh: break
            case .repeated:
                counters.duplicate &+= 1
                return
            case .conflicting:
                counters.duplicate &+= 1
                counters.conflicts &+= 1
                return
            }
        }
        let place = buckets.place(entry.bucket)
        // Like in a region's fold, a transfer that overflows was still sighted.
        guard buckets.hasRoom(for: entry.amount, at: place) else {
            return counters.reject(.overflow)
        }
        counters.applied &+= 1
        buckets.add(entry.amount, at: place)
    }

    /// The result so far.
    func result() -> RollupResult {
        RollupResult(rows: buckets.rows(), counters: counters)
    }

    private static let batch = 256
    /// 2^26 ids take 2 GiB at once; a larger input grows the table as needed.
    private static let expectedIDsMax = 1 << 26
}
