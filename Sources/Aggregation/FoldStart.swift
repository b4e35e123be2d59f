package import CivilTime
package import DeltaProtocol

/// Where a node starts to build a shard's state, and what it knows at that point.
package struct FoldStart: Sendable {
    /// The first offset that is folded or read for its ids.
    package var offset: Int64
    /// The first minute that the state holds.
    package var floor: Minute
    /// Records before the first one stamped at or after this time only sight ids. Nil folds from
    /// the first record on.
    package var foldFrom: UnixTime?
    /// The first minute whose transfers are all folded and whose ids are all known.
    package var idsFrom: Minute
    /// For a log that continues another one and is folded from its beginning: how much later than
    /// the stamp of its first record a settlement in the previous log may be, in milliseconds. The
    /// fold sets ids-from to the minute after that, since earlier transfers may be in both logs.
    /// Nil for other starts, which use `idsFrom`.
    package var continuedMilliseconds: Int64?
    /// See `Claims`.
    package var idsShortUntil: Minute
    /// HQ's values, for what the log no longer holds.
    package var seed: Seed?
    /// The fingerprints that HQs hold: each names the last record below that HQ's watermark.
    package var expected: [Fingerprint]

    /// The number of records still to be read. A hint: the id table is made large enough at once.
    package var waitingRecords: Int64 = 0

    /// A shard's values at HQ's watermark.
    package struct Seed: Sendable {
        package var watermark: Int64
        /// The first minute that has values.
        package var valuesFrom: Minute
        package var values: ShardStatus.Values

        package init(watermark: Int64, valuesFrom: Minute, values: ShardStatus.Values) {
            self.watermark = watermark
            self.valuesFrom = valuesFrom
            self.values = values
        }
    }

    package init(
        offset: Int64 = 0, floor: Minute = Claims.always, foldFrom: UnixTime? = nil,
        idsFrom: Minute = Claims.always, idsShortUntil: Minute = Claims.always,
        seed: Seed? = nil, expected: [Fingerprint] = []
    ) {
        self.offset = offset
        self.floor = floor
        self.foldFrom = foldFrom
        self.idsFrom = idsFrom
        self.idsShortUntil = idsShortUntil
        self.seed = seed
        self.expected = expected
    }
}
