package import CivilTime
package import Money

/// A task for a region, sent in replies to its pushes.
///
/// HQ offers a command to one node until an outcome comes back. Executing a command twice is
/// harmless.
package struct NodeCommand: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Publish this correction into partition 0 of the region's current log.
        case publish(BucketCorrection)
    }

    /// 1 to `Limits.commandIDBytes` bytes; a correction's is its `correction_id`.
    package var id: String
    package var kind: Kind

    package init(id: String, kind: Kind) {
        self.id = id
        self.kind = kind
    }

    /// True if all strings and numbers are within their bounds.
    package var isWithinLimits: Bool {
        guard (1...Limits.commandIDBytes).contains(id.utf8.count) else { return false }
        switch kind {
        case .publish(let correction): return correction.isWithinLimits
        }
    }
}

/// A signed change of one bucket, to be written into the log. It applies once, and only if the
/// bucket's correction is `before`.
package struct BucketCorrection: Hashable, Sendable {
    package var currency: Currency
    package var minute: Minute
    /// Minor units, signed; within ±`Limits.sumMagnitude`, like `before`.
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

/// The outcome of a command, sent in a later request of the node that it was offered to.
package struct CommandOutcome: Hashable, Sendable {
    package enum Result: Hashable, Sendable {
        /// Published at this position of the region's current log and acknowledged by all in-sync
        /// replicas.
        case published(partition: Int32, offset: Int64)
        /// Failed; at most `Limits.problemBytes` bytes. HQ offers the command again.
        case failed(problem: String)
    }

    package var command: String
    package var result: Result

    package init(command: String, result: Result) {
        self.command = command
        self.result = result
    }
}
