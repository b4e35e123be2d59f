package import CivilTime
package import DeltaProtocol

/// From where, and from what knowledge, a shard's state is built.
package struct FoldStart: Sendable {
    /// The first offset that will be folded or remembered.
    package var offset: Int64
    /// Records before the first one stamped at or after this only fill the id memory; nil folds
    /// from the first record on.
    package var foldFrom: UnixTime?
    /// The first minute whose records are all at `offset` or later; nil where the log is read from
    /// its beginning.
    package var knownFrom: Minute?
    /// HQ's values, which stand in for what the log no longer holds.
    package var seed: Seed?
    /// The record that HQ remembers as the one before its watermark.
    package var expected: ExpectedRecord?

    /// How many records wait to be read. A hint: room for their ids is made at once.
    package var waitingRecords: Int64 = 0

    /// A shard's values at a watermark, from the minute on that they are complete.
    package struct Seed: Sendable {
        package var watermark: Int64
        package var completeFrom: Minute
        package var values: ShardStatus.Values

        package init(watermark: Int64, completeFrom: Minute, values: ShardStatus.Values) {
            self.watermark = watermark
            self.completeFrom = completeFrom
            self.values = values
        }
    }

    /// Which record must stand at an offset.
    package struct ExpectedRecord: Sendable, Hashable {
        package var offset: Int64
        package var fingerprint: Fingerprint

        package init(offset: Int64, fingerprint: Fingerprint) {
            self.offset = offset
            self.fingerprint = fingerprint
        }
    }

    package init(
        offset: Int64 = 0, foldFrom: UnixTime? = nil, knownFrom: Minute? = nil, seed: Seed? = nil,
        expected: ExpectedRecord? = nil
    ) {
        self.offset = offset
        self.foldFrom = foldFrom
        self.knownFrom = knownFrom
        self.seed = seed
        self.expected = expected
    }
}
