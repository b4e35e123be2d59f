package import CivilTime
package import Money

/// Something that HQ wants of a region, carried by the answers to its pushes.
///
/// HQ offers a command to one node until an outcome comes back; carrying one out twice is harmless.
package struct RegionCommand: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Publish this correction into partition 0 of the region's current log.
        case publish(BucketCorrection)
    }

    /// 1 to `Limits.commandIDBytes` bytes; that of a correction is its `correction_id`.
    package var id: String
    package var kind: Kind

    package init(id: String, kind: Kind) {
        self.id = id
        self.kind = kind
    }

    /// Whether all texts and numbers are within their bounds.
    package var isWithinLimits: Bool {
        guard (1...Limits.commandIDBytes).contains(id.utf8.count) else { return false }
        switch kind {
        case .publish(let correction): return correction.isWithinLimits
        }
    }
}

/// A signed change of one bucket, as it is to be written into the log. It applies once, and only
/// where the bucket's correction is `before`.
package struct BucketCorrection: Hashable, Sendable {
    package var currency: Currency
    package var minute: Minute
    /// Minor units, signed; within ±`Limits.sumMagnitude`, as `before`.
    package var delta: Int64
    package var before: Int64
    /// At most `Limits.reasonBytes` bytes.
    package var reason: String
    /// At most `Limits.reasonBytes` bytes.
    package var requestedBy: String
    package var issuedAt: UnixTime

    package init(
        currency: Currency, minute: Minute, delta: Int64, before: Int64, reason: String,
        requestedBy: String, issuedAt: UnixTime
    ) {
        self.currency = currency
        self.minute = minute
        self.delta = delta
        self.before = before
        self.reason = reason
        self.requestedBy = requestedBy
        self.issuedAt = issuedAt
    }

    fileprivate var isWithinLimits: Bool {
        delta.magnitude <= Limits.sumMagnitude.magnitude
            && before.magnitude <= Limits.sumMagnitude.magnitude
            && reason.utf8.count <= Limits.reasonBytes
            && requestedBy.utf8.count <= Limits.reasonBytes
    }
}

/// What became of a command, carried by a later request of the node that it was offered to.
package struct CommandOutcome: Hashable, Sendable {
    package enum Result: Hashable, Sendable {
        /// Acknowledged by all in-sync replicas, at this place of the region's current log.
        case published(partition: Int32, offset: Int64)
        /// Not carried out; at most `Limits.problemBytes` bytes. HQ offers it again.
        case failed(problem: String)
    }

    package var command: String
    package var result: Result

    package init(command: String, result: Result) {
        self.command = command
        self.result = result
    }
}
