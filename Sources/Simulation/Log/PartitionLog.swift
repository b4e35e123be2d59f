import Aggregation
import DeltaProtocol
import RegionCore

/// One partition as the broker holds it.
///
/// Entries are never removed: `low` is the log's beginning for readers.
@safe
struct PartitionLog {
    struct Entry {
        var offset: Int64
        /// The record's timestamp; `noStamp` for none.
        var stamp: Int64
        /// The true time of its append.
        var appendedAt: Int64
        /// The position of its value in the log's bytes; `tombstone` bytes mean no value.
        var start: Int
        var count: Int

        static let tombstone = -1
        /// The stamp of a record without a timestamp.
        static let noStamp = unsafe LogRecord.noTimestamp
    }

    private(set) var entries: [Entry] = []
    /// The first offset available to readers.
    private(set) var low: Int64 = 0
    /// One past the last offset in use; above the last record if only markers follow it.
    private(set) var end: Int64 = 0
    /// Readers see nothing from here on, because a transaction neither commits nor aborts.
    private(set) var hangsFrom: Int64?
    /// The stamping broker's clock minus the true time, in milliseconds.
    var clockError: Int64 = 0
    private var bytes: [UInt8] = []

    /// One past the last offset that readers can reach.
    var readableEnd: Int64 { hangsFrom ?? end }
    /// Like `readableEnd`, as an index.
    var readablePlaces: Int { hangsFrom.map { place(of: $0) } ?? entries.count }

    /// The index of the first entry at `offset` or later.
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

    /// Appends a record whose value `write` produces; nil writes a tombstone. Returns its offset.
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

    /// Writes other values at the same offsets, from an index on.
    mutating func replaceValues(from first: Int, _ write: (Entry, inout [UInt8]) -> Void) {
        for place in entries.indices.dropFirst(first) {
            let start = bytes.count
            write(entries[place], &bytes)
            entries[place].start = start
            entries[place].count = bytes.count - start
        }
    }

    /// Skips offsets that readers never see: transaction markers, aborted records, compaction.
    mutating func skip(_ count: Int64) { end += count }

    /// Makes a transaction hang from the present end on.
    mutating func hang() { hangsFrom = hangsFrom ?? end }

    /// Ends the hanging transaction.
    mutating func release() { hangsFrom = nil }

    /// Adds the log's begin and end, and all its records.
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

    /// The facts for a joining node that asks for the first offset stamped at or after `time`; nil
    /// if the broker cannot look up by time.
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

    /// The record at `offset`, and the log's begin and end.
    func record(at offset: Int64) -> RecordFacts {
        let place = place(of: offset)
        var found: Fingerprint?
        if offset >= low, offset < readableEnd, place < entries.count,
            entries[place].offset == offset
        {
            found = fingerprint(of: entries[place])
        }
        return RecordFacts(low: low, high: end, record: found)
    }

    private func fingerprint(of entry: Entry) -> Fingerprint {
        let value = bytes[entry.start..<entry.start + max(entry.count, 0)]
        return Fingerprint(
            offset: entry.offset, timestamp: entry.stamp,
            crc: entry.count == Entry.tombstone ? 0 : CRC32C.checksum(of: Array(value)))
    }

    /// The records of `places`, as a consumer passes them to the fold.
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
