package import CivilTime
package import DeltaProtocol

/// From where, and from what knowledge, a shard's state is built.
package struct FoldStart: Sendable {
    /// The first offset that will be folded or remembered.
    package var offset: Int64
    /// The first minute that is held.
    package var floor: Minute
    /// Records before the first one stamped at or after this only sight ids; nil folds from the
    /// first record on.
    package var foldFrom: UnixTime?
    /// The first minute whose transfers are all folded, their ids known.
    package var idsFrom: Minute
    /// For a log that continues another one and is folded from its beginning: how much later than
    /// the stamp of its first record a settlement in the previous log may be, in milliseconds. The
    /// fold sets ids-from to the minute after that, since earlier transfers may be in both logs.
    /// Nil for other starts, which use `idsFrom`.
    package var continuedMilliseconds: Int64?
    /// See `Claims`.
    package var idsShortUntil: Minute
    /// HQ's values, which stand in for what the log no longer holds.
    package var seed: Seed?
    /// The records that HQs remember as the last ones before their watermarks.
    package var expected: [Fingerprint]

    /// How many records wait to be read. A hint: room for their ids is made at once.
    package var waitingRecords: Int64 = 0

    /// A shard's values at a watermark.
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
