package import CivilTime
package import DeltaProtocol

/// The facts that a shard's node last sent with its buckets: the value of its field in
/// `liveness:{region}`.
///
/// The text has ten parts separated by spaces: observed-through, received-at (both milliseconds),
/// the counters applied, duplicate, late, rejected, control, conflicts, the marker as
/// `lsn/timeline/markedAt/system`, and the node. `-` means no value; bytes of a name other than
/// letters, digits, `_`, `.` and `-` are percent-encoded.
package struct ShardLiveness: Hashable, Sendable {
    /// The first word of the text that replaces a liveness while the shard's hashes may hold part
    /// of a commit that failed midway. The second word differs for each such commit, so that a
    /// decision made before it conflicts; the next commit replaces the text.
    package static let torn = "torn"

    /// True if `text` replaces a liveness because a commit failed midway.
    package static func isTorn(_ text: String) -> Bool { text.hasPrefix(torn) }

    /// The time up to which the shard has provably seen its partition; nil before the first proof.
    package var observedThrough: UnixTime?
    /// HQ's clock at the last push.
    package var receivedAt: UnixTime
    package var counters: ShardCounters
    package var marker: LedgerMarker?
    package var node: String

    package init(
        observedThrough: UnixTime?, receivedAt: UnixTime, counters: ShardCounters = ShardCounters(),
        marker: LedgerMarker? = nil, node: String
    ) {
        self.observedThrough = observedThrough
        self.receivedAt = receivedAt
        self.counters = counters
        self.marker = marker
        self.node = node
    }

    /// The liveness after a push that HQ accepts.
    ///
    /// Observed-through is clamped to HQ's clock and never goes back while HQ keeps the shard:
    /// `previous` is nil if HQ has lost the shard, because its old claims were lost with the data.
    /// Received-at is HQ's present clock, even if that was ahead before: a shard that has since
    /// fallen silent must not look alive until that time.
    package init(delta: ShardDelta, node: String, now: UnixTime, previous: ShardLiveness?) {
        let seen = delta.observedThrough.map { min($0, now) }
        self.init(
            observedThrough: [seen, previous?.observedThrough].compactMap { $0 }.max(),
            receivedAt: now,
            counters: delta.counters,
            marker: Self.later(delta.marker, previous?.marker),
            node: node)
    }

    /// The greater position if the two are comparable, else the newer one.
    private static func later(_ new: LedgerMarker?, _ old: LedgerMarker?) -> LedgerMarker? {
        guard let new else { return old }
        guard let old, old.system == new.system, old.timeline == new.timeline else { return new }
        return old.lsn > new.lsn ? old : new
    }

    /// The canonical text of this value.
    package var text: String {
        let marker = marker.map {
            "\($0.lsn)/\($0.timeline)/\($0.markedAt.milliseconds)/"
                + PercentCoding.encode($0.system)
        }
        return [
            observedThrough.map { String($0.milliseconds) } ?? "-",
            String(receivedAt.milliseconds),
            String(counters.applied), String(counters.duplicate), String(counters.late),
            String(counters.rejected), String(counters.control), String(counters.conflicts),
            marker ?? "-",
            PercentCoding.encode(node),
        ].joined(separator: " ")
    }

    /// Nil if `text` does not have the form above; the next push replaces it.
    package init?(text: String) {
        let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
            .map(Substring.init)
        guard parts.count == 10, let receivedAt = Int64(parts[1]),
            let node = PercentCoding.decode(parts[9])
        else { return nil }
        let counts = parts[2..<8].compactMap { Int64($0) }
        guard counts.count == 6 else { return nil }
        self.init(
            observedThrough: nil, receivedAt: UnixTime(milliseconds: receivedAt), node: node)
        if parts[0] != "-" {
            guard let seen = Int64(parts[0]) else { return nil }
            observedThrough = UnixTime(milliseconds: seen)
        }
        counters.applied = counts[0]
        counters.duplicate = counts[1]
        counters.late = counts[2]
        counters.rejected = counts[3]
        counters.control = counts[4]
        counters.conflicts = counts[5]
        if parts[8] != "-" {
            guard let marker = Self.marker(parts[8]) else { return nil }
            self.marker = marker
        }
    }

    private static func marker(_ text: Substring) -> LedgerMarker? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let lsn = UInt64(parts[0]), let timeline = Int64(parts[1]),
            let markedAt = Int64(parts[2]), let system = PercentCoding.decode(parts[3])
        else { return nil }
        return LedgerMarker(
            lsn: lsn, system: system, timeline: timeline,
            markedAt: UnixTime(milliseconds: markedAt))
    }
}
