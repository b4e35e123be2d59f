import Aggregation

/// One partition as the broker holds it.
///
/// Entries are never removed: `low` says where the log begins for readers.
@safe
struct PartitionLog {
    struct Entry {
        var offset: Int64
        /// The record's timestamp; `noStamp` for none.
        var stamp: Int64
        /// When it was appended in truth.
        var appendedAt: Int64
        /// Where its value lies in the log's bytes; `tombstone` bytes mean no value.
        var start: Int
        var count: Int

        /// Whether it sets log time to its own timestamp, whatever stood before.
        var isTimely = false

        static let tombstone = -1
        /// Where a record carries no timestamp.
        static let noStamp = unsafe LogRecord.noTimestamp
    }

    private(set) var entries: [Entry] = []
    /// The first offset that readers can have.
    private(set) var low: Int64 = 0
    /// One past the last offset in use; above the last record where only markers follow it.
    private(set) var end: Int64 = 0
    /// Pairs of offsets whose records carry one id, the later record after the earlier one.
    private(set) var pairs: [(earlier: Int64, later: Int64)] = []
    private var lastTimely: Int64?
    private var bytes: [UInt8] = []

    /// The place of the first entry at `offset` or later.
    func place(of offset: Int64) -> Int {
        var lower = 0
        var upper = entries.count
        if let last = entries.last, last.offset < offset { return upper }
        while lower < upper {
            let middle = (lower + upper) / 2
            if entries[middle].offset < offset { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    /// Appends a record whose value `write` produces; nil writes a tombstone. Answers its offset.
    mutating func append(
        stamp: Int64, appendedAt: Int64, write: ((inout [UInt8]) -> Void)?
    ) -> Int64 {
        let start = bytes.count
        write?(&bytes)
        entries.append(
            Entry(
                offset: end, stamp: stamp, appendedAt: appendedAt, start: start,
                count: write == nil ? Entry.tombstone : bytes.count - start))
        end += 1
        return end - 1
    }

    /// Puts other values at the same offsets.
    mutating func replaceValues(_ write: (Entry, inout [UInt8]) -> Void) {
        for place in entries.indices {
            let start = bytes.count
            write(entries[place], &bytes)
            entries[place].start = start
            entries[place].count = bytes.count - start
        }
    }

    /// Offsets that readers never see: transaction markers, aborted records, compaction.
    mutating func skip(_ count: Int64) { end += count }

    mutating func note(pair earlier: Int64, _ later: Int64) { pairs.append((earlier, later)) }

    /// Whether no record is left for readers that sets log time by itself.
    var isTimeless: Bool { (lastTimely ?? -1) < low }

    mutating func noteTimely() {
        entries[entries.count - 1].isTimely = true
        lastTimely = entries[entries.count - 1].offset
    }

    /// The greatest offset up to `wanted` at which a log may begin anew: one that separates no two
    /// records of one id, and whose record is timely. What a node cannot know of an id that
    /// retention took, and the log's time before a timely record, are outside what it can get
    /// right.
    func cut(notAfter wanted: Int64) -> Int64 {
        var cut = min(wanted, end)
        var isMoving = true
        while isMoving, cut > low {
            isMoving = false
            for pair in pairs where pair.earlier < cut && cut <= pair.later {
                cut = pair.earlier
                isMoving = true
            }
            let place = place(of: cut)
            if place < entries.count, !entries[place].isTimely {
                cut = place > 0 ? entries[place - 1].offset : 0
                isMoving = true
            }
        }
        return max(cut, low)
    }

    /// Adds where the log begins and ends, and every record of it.
    func mix(into hash: inout RollingHash) {
        hash.add(low)
        hash.add(end)
        for entry in entries {
            hash.add(entry.offset)
            hash.add(entry.stamp)
            for byte in bytes[entry.start..<entry.start + max(entry.count, 0)] {
                hash.add(UInt64(byte))
            }
        }
    }

    mutating func trim(to offset: Int64) { low = max(low, offset) }

    /// What a joining node learns, asking for the first offset stamped at or after `time`; nil
    /// where the broker cannot look up by time.
    func facts(from time: Int64?) -> ShardJoin.LogFacts {
        var at = place(of: low)
        if let time {
            while at < entries.count, entries[at].stamp < time { at += 1 }
        }
        let isFound = at < entries.count
        let start = at == place(of: low) ? low : isFound ? entries[at].offset : end
        let stamp = isFound ? entries[at].stamp : Entry.noStamp
        return ShardJoin.LogFacts(
            low: low, high: end, start: start,
            startTimestamp: stamp == Entry.noStamp ? nil : stamp)
    }

    /// The records of `places`, as a consumer hands them to the fold.
    func withRecords(_ places: Range<Int>, _ body: (UnsafeBufferPointer<LogRecord>) -> Void) {
        unsafe bytes.withUnsafeBytes { bytes in
            var records: [LogRecord] = unsafe []
            unsafe records.reserveCapacity(places.count)
            for place in places {
                let entry = entries[place]
                let value =
                    entry.count == Entry.tombstone
                    ? nil
                    : unsafe UnsafeRawBufferPointer(
                        rebasing: bytes[entry.start..<entry.start + entry.count])
                unsafe records.append(
                    LogRecord(offset: entry.offset, timestamp: entry.stamp, value: value))
            }
            unsafe records.withUnsafeBufferPointer { unsafe body($0) }
        }
    }
}
