package import CivilTime

/// The last record that was folded: it names the log's content, as coverage names its length. A
/// recreated or rewritten log shows itself by another record at the offset.
package struct Fingerprint: Hashable, Sendable {
    /// The record's offset. Transaction markers may lie between it and the coverage.
    package var offset: Int64
    /// The record's timestamp, in milliseconds.
    package var timestamp: Int64
    /// CRC-32C of the record's value; 0 for a record without a value.
    package var crc: UInt32

    package init(offset: Int64, timestamp: Int64, crc: UInt32) {
        self.offset = offset
        self.timestamp = timestamp
        self.crc = crc
    }
}

/// The last position of the ledger that a shard has proof of.
package struct LedgerMarker: Hashable, Sendable {
    /// A Postgres log sequence number, as one integer.
    package var lsn: UInt64
    /// The ledger's system identifier; at most `Limits.ledgerSystemBytes` bytes.
    package var system: String
    package var timeline: Int64
    /// The ledger's time when `lsn` was its current position.
    package var markedAt: UnixTime

    package init(lsn: UInt64, system: String, timeline: Int64, markedAt: UnixTime) {
        self.lsn = lsn
        self.system = system
        self.timeline = timeline
        self.markedAt = markedAt
    }
}

/// How the records that a node folded ended. `consumed` is the sum of the other five, always;
/// `conflicts` counts those of `duplicate` whose content differed.
package struct ShardCounters: Hashable, Sendable {
    package var applied: Int64 = 0
    package var duplicate: Int64 = 0
    package var late: Int64 = 0
    package var rejected: Int64 = 0
    package var control: Int64 = 0
    package var conflicts: Int64 = 0

    package init() {}

    package var consumed: Int64 { applied + duplicate + late + rejected + control }
}
