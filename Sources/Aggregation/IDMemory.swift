/// The ids sighted, each with its first content and the greatest minute it was sighted for.
///
/// An open-addressed table of 16-byte entries, one cache line a look-up: 84 bits of the id's hash
/// (a false match among 10^8 ids: below 10^-9), 17 of content check, 27 of the minute, which
/// reaches beyond the year 2200. An id is live for a record whose stamp is in minute s if it was
/// sighted for a minute after s − 1,500, so an answer depends only on the sightings, never on the
/// table's size, on their order, or on a clock. Memory: 16 bytes × capacity; at most about 46 bytes
/// per id in memory, twice that during a rebuild.
///
/// One owner, any thread.
@safe
public struct IDMemory: ~Copyable {
    /// The result of a sighting.
    public enum Sighting: UInt8, Sendable {
        /// Never sighted, or only for minutes that are too long ago.
        case fresh
        /// Sighted before with the same content.
        case repeated
        /// Sighted before with other content.
        case conflicting
    }

    @usableFromInline
    struct Entry {
        /// The hash's low word; 0 marks an empty entry.
        @usableFromInline var hash: UInt64
        /// 20 bits of the high word, 17 of content check, 27 of the minute.
        @usableFromInline var rest: UInt64

        @inlinable
        init(hash: UInt64, rest: UInt64) {
            self.hash = hash
            self.rest = rest
        }
    }

    @inlinable static var minuteMask: UInt64 { 0x7FF_FFFF }
    @inlinable static var contentMask: UInt64 { 0xFFF_F800_0000 }
    /// The position of the high word's 20 bits in `rest`.
    @inlinable static var hashShift: UInt64 { 44 }
    @inlinable static var contentShift: UInt64 { 27 }
    private static let smallestCapacity = 1 << 10

    @usableFromInline private(set) var entries: UnsafeMutablePointer<Entry>
    @usableFromInline private(set) var mask: Int
    /// Entries of the table, empty ones included.
    package var capacity: Int { mask + 1 }
    /// Entries in use, those of forgotten ids included.
    @usableFromInline package internal(set) var count = 0
    @usableFromInline private(set) var growAt: Int
    /// Ids whose greatest minute is this or earlier may be dropped.
    private var freedThrough: Int32 = -1
    /// False if ids are kept for as long as the memory lives.
    @usableFromInline let forgets: Bool
    private let memory: ZeroedMemory

    /// - Parameters:
    ///   - expected: how many ids to allocate room for; the table grows if there are more.
    ///   - forgets: whether ids ever stop being live.
    ///   - memory: allocates the table.
    package init(expected: Int = 0, forgets: Bool = true, memory: ZeroedMemory = .heap) {
        var capacity = Self.smallestCapacity
        while capacity * 7 / 10 < expected { capacity *= 2 }
        unsafe entries = Self.allocate(capacity, in: memory)
        mask = capacity - 1
        growAt = capacity * 7 / 10
        self.forgets = forgets
        self.memory = memory
    }

    deinit { unsafe Self.deallocate(entries, capacity, in: memory) }

    /// A table of empty entries: all bytes are zero.
    private static func allocate(
        _ capacity: Int, in memory: ZeroedMemory
    ) -> UnsafeMutablePointer<Entry> {
        unsafe memory.allocate(capacity * MemoryLayout<Entry>.stride)
            .bindMemory(to: Entry.self, capacity: capacity)
    }

    private static func deallocate(
        _ entries: UnsafeMutablePointer<Entry>, _ capacity: Int, in memory: ZeroedMemory
    ) {
        unsafe memory.deallocate(entries, capacity * MemoryLayout<Entry>.stride)
    }

    /// Marks ids whose greatest minute is `minute` or earlier as droppable. The table drops them
    /// when it would otherwise grow.
    package mutating func free(through minute: Int32) {
        freedThrough = max(freedThrough, minute)
    }

    /// Reads the entry that a look-up of `hash` starts at, so that the cache misses of a batch
    /// overlap.
    @inlinable @inline(__always)
    package func touch(_ hash: IDHash) -> UInt64 {
        unsafe entries[Int(truncatingIfNeeded: hash.low) & mask].hash
    }

    /// Records a sighting and returns whether the id was live before.
    ///
    /// - Parameters:
    ///   - minute: the minute that the id is sighted for; 0 or later.
    ///   - liveAfter: the id is live only if it was sighted for a later minute than this.
    @inlinable @inline(__always)
    package mutating func sight(
        _ hash: IDHash, contentCheck: UInt32, minute: Int32, liveAfter: Int32
    ) -> Sighting {
        let key = hash.low == 0 ? 1 : hash.low
        let present = UInt64(UInt32(bitPattern: minute)) & Self.minuteMask
        let rest =
            hash.high &<< Self.hashShift
            | UInt64(contentCheck) &<< Self.contentShift & Self.contentMask | present
        var place = Int(truncatingIfNeeded: key) & mask
        while true {
            let entry = unsafe entries[place]
            if entry.hash == key, (entry.rest ^ rest) &>> Self.hashShift == 0 {
                let known = entry.rest & Self.minuteMask
                let greatest = max(known, present)
                if forgets, Int64(known) <= Int64(liveAfter) {
                    unsafe entries[place].rest = rest & ~Self.minuteMask | greatest
                    return .fresh
                }
                // Keep the content of the first sighting: first wins.
                unsafe entries[place].rest = entry.rest & ~Self.minuteMask | greatest
                return (entry.rest ^ rest) & Self.contentMask == 0 ? .repeated : .conflicting
            }
            if entry.hash == 0 { break }
            place = (place &+ 1) & mask
        }
        unsafe entries[place] = Entry(hash: key, rest: rest)
        count &+= 1
        if count >= growAt { grow() }
        return .fresh
    }

    @usableFromInline @inline(never)
    mutating func grow() {
        var kept = 0
        for place in 0...mask where unsafe isKept(entries[place]) { kept += 1 }
        let capacity = mask + 1
        rebuild(capacity: kept * 20 > capacity * 7 ? capacity * 2 : capacity)
    }

    private func isKept(_ entry: Entry) -> Bool {
        guard entry.hash != 0 else { return false }
        return !forgets || Int64(entry.rest & Self.minuteMask) > Int64(freedThrough)
    }

    /// Moves the entries that may not be dropped to a new table.
    private mutating func rebuild(capacity: Int) {
        let old = unsafe entries
        let places = mask + 1
        let fresh = unsafe Self.allocate(capacity, in: memory)
        let freshMask = capacity - 1
        var kept = 0
        for index in 0..<places {
            let entry = unsafe old[index]
            guard isKept(entry) else { continue }
            var place = Int(truncatingIfNeeded: entry.hash) & freshMask
            while unsafe fresh[place].hash != 0 { place = (place &+ 1) & freshMask }
            unsafe fresh[place] = entry
            kept += 1
        }
        unsafe Self.deallocate(old, places, in: memory)
        unsafe entries = fresh
        mask = freshMask
        growAt = capacity * 7 / 10
        count = kept
    }
}
