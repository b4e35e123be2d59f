package import CivilTime

/// The last folded record: it identifies the log's content, as coverage identifies its length. A
/// recreated or rewritten log has another record at this offset.
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

/// The last ledger position that a shard has proof of.
package struct LedgerMarker: Hashable, Sendable {
    /// A Postgres log sequence number, as one integer.
    package var lsn: UInt64
    /// The ledger's system identifier; at most `Limits.ledgerSystemBytes` bytes.
    package var system: String
    package var timeline: Int64
    /// The ledger's clock when `lsn` was its current position.
    package var markedAt: UnixTime

    package init(lsn: UInt64, system: String, timeline: Int64, markedAt: UnixTime) {
        self.lsn = lsn
        self.system = system
        self.timeline = timeline
        self.markedAt = markedAt
    }
}

/// The outcomes of the records that a node folded. `consumed` is always the sum of the other five;
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
