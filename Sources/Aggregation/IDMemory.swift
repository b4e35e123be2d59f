/// The ids sighted of late, and the content each came with.
///
/// An open-addressed table of 16-byte entries, one cache line a look-up: 96 bits of the id's hash
/// (a false match among 10^8 ids: below 10^-12), 20 bits of content check, the low 12 bits of the
/// minute of log time at which the id was last sighted. What an answer is depends only on the
/// sightings, never on the table's size or order. Memory: 16 bytes × capacity; at most about
/// 46 bytes per id in memory, twice that while it is rebuilt.
///
/// One owner, any thread.
@safe
public struct IDMemory: ~Copyable {
    /// How long an id is remembered, in minutes of log time: 25 h 10 min.
    @inlinable
    package static var horizonMinutes: Int32 { 1_510 }

    /// What a sighting found.
    public enum Sighting: UInt8, Sendable {
        /// Not sighted within the horizon.
        case fresh
        /// Sighted before with the same content.
        case repeated
        /// Sighted before with other content.
        case conflicting
    }

    @usableFromInline
    struct Entry {
        /// The hash's low word; 0 marks an empty place.
        @usableFromInline var hash: UInt64
        /// 32 bits of the high word, 20 of content check, 12 of the minute.
        @usableFromInline var rest: UInt64

        @inlinable
        init(hash: UInt64, rest: UInt64) {
            self.hash = hash
            self.rest = rest
        }
    }

    @inlinable static var minuteMask: UInt64 { 0xFFF }
    @inlinable static var contentMask: UInt64 { 0xFFFF_F000 }
    /// A minute is kept modulo 4,096: entries must be swept before they could look young again.
    private static let sweepEveryMinutes: Int32 = 2_000
    private static let smallestCapacity = 1 << 10

    @usableFromInline private(set) var entries: UnsafeMutablePointer<Entry>
    @usableFromInline private(set) var mask: Int
    /// Places of the table.
    package var capacity: Int { mask + 1 }
    /// Places in use, forgotten ids included.
    @usableFromInline package internal(set) var count = 0
    @usableFromInline private(set) var growAt: Int
    @usableFromInline private(set) var minute: Int32
    private var sweptAt: Int32
    /// False where ids are remembered for as long as the memory lives.
    @usableFromInline let forgets: Bool
    private let memory: ZeroedMemory

    /// - Parameters:
    ///   - expected: how many ids to make room for at once; more are taken all the same.
    ///   - forgets: whether ids leave after `horizonMinutes`.
    ///   - memory: where the table lives.
    package init(expected: Int = 0, forgets: Bool = true, memory: ZeroedMemory = .heap) {
        var capacity = Self.smallestCapacity
        while capacity * 7 / 10 < expected { capacity *= 2 }
        unsafe entries = Self.allocate(capacity, in: memory)
        mask = capacity - 1
        growAt = capacity * 7 / 10
        minute = 0
        sweptAt = 0
        self.forgets = forgets
        self.memory = memory
    }

    deinit { unsafe Self.deallocate(entries, capacity, in: memory) }

    /// A table of empty places, whose words are all zero.
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

    /// Moves log time to `minute`, which never goes back; the first call sets it.
    package mutating func advance(to minute: Int32) {
        guard forgets, minute != self.minute else { return }
        if count == 0 {
            sweptAt = minute
        } else if Int(minute) - Int(sweptAt) >= Int(Self.sweepEveryMinutes) {
            rebuild(at: minute, capacity: mask + 1)
        }
        self.minute = minute
    }

    /// Reads the places that `hashes` will look up, so that their cache misses overlap.
    @inlinable @inline(__always)
    package func touch(_ hash: IDHash) -> UInt64 {
        unsafe entries[Int(truncatingIfNeeded: hash.low) & mask].hash
    }

    /// Remembers a sighting at the present minute and says what was known of the id.
    @inlinable @inline(__always)
    package mutating func sight(_ hash: IDHash, contentCheck: UInt32) -> Sighting {
        let key = hash.low == 0 ? 1 : hash.low
        let present = UInt64(UInt32(bitPattern: minute)) & Self.minuteMask
        let rest =
            hash.high & 0xFFFF_FFFF_0000_0000 | UInt64(contentCheck) &<< 12 & Self.contentMask
            | present
        var place = Int(truncatingIfNeeded: key) & mask
        while true {
            let entry = unsafe entries[place]
            if entry.hash == key, (entry.rest ^ rest) &>> 32 == 0 {
                let age = (present &- entry.rest) & Self.minuteMask
                if forgets, age > UInt64(Self.horizonMinutes) {
                    unsafe entries[place].rest = rest
                    return .fresh
                }
                // The first content stands: first wins.
                unsafe entries[place].rest = entry.rest & ~Self.minuteMask | present
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

    /// What `sight` would answer at `minute`, remembering nothing.
    package func peek(_ hash: IDHash, contentCheck: UInt32, at minute: Int32) -> Sighting {
        let key = hash.low == 0 ? 1 : hash.low
        var place = Int(truncatingIfNeeded: key) & mask
        while unsafe entries[place].hash != 0 {
            let entry = unsafe entries[place]
            if entry.hash == key, (entry.rest ^ hash.high) &>> 32 == 0 {
                guard isLive(entry, at: minute) else { return .fresh }
                let same = (entry.rest ^ UInt64(contentCheck) &<< 12) & Self.contentMask == 0
                return same ? .repeated : .conflicting
            }
            place = (place &+ 1) & mask
        }
        return .fresh
    }

    @usableFromInline @inline(never)
    mutating func grow() {
        guard forgets else { return rebuild(at: minute, capacity: (mask + 1) * 2) }
        var live = 0
        for place in 0...mask where unsafe isLive(entries[place], at: minute) { live += 1 }
        let capacity = mask + 1
        rebuild(at: minute, capacity: live * 20 > capacity * 7 ? capacity * 2 : capacity)
    }

    private func isLive(_ entry: Entry, at minute: Int32) -> Bool {
        guard entry.hash != 0 else { return false }
        guard forgets else { return true }
        let present = UInt64(UInt32(bitPattern: self.minute))
        let age = Int((present &- entry.rest) & Self.minuteMask)
        return age + Int(minute) - Int(self.minute) <= Int(Self.horizonMinutes)
    }

    /// Moves what is still to be remembered at `minute` to a table of its own.
    private mutating func rebuild(at minute: Int32, capacity: Int) {
        let old = unsafe entries
        let places = mask + 1
        let fresh = unsafe Self.allocate(capacity, in: memory)
        let freshMask = capacity - 1
        var kept = 0
        for index in 0..<places {
            let entry = unsafe old[index]
            guard isLive(entry, at: minute) else { continue }
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
        sweptAt = minute
    }
}
