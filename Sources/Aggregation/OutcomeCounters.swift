package import DeltaProtocol

/// Counts records by outcome. Each folded record has exactly one outcome.
package struct OutcomeCounters: Sendable, Hashable {
    package var applied: Int64 = 0
    package var duplicate: Int64 = 0
    /// Of `duplicate`, those whose content differed from the first.
    package var conflicts: Int64 = 0
    package var late: Int64 = 0
    /// Of `late`, those whose minute the shard does not know in full.
    package var unproven: Int64 = 0
    /// By `RejectReason.rawValue`.
    package var rejected = [Int64](repeating: 0, count: RejectReason.allCases.count)
    /// By `ControlOutcome.rawValue`.
    package var control = [Int64](repeating: 0, count: ControlOutcome.allCases.count)
    /// Records read only for their ids, before the fold began. No other counter includes them.
    package var remembered: Int64 = 0

    package init() {}

    /// The summary that a delta carries to HQ.
    package var summary: ShardCounters {
        var summary = ShardCounters()
        summary.applied = applied
        summary.duplicate = duplicate
        summary.late = late
        summary.rejected = rejected.reduce(0, +)
        summary.control = control.reduce(0, +)
        summary.conflicts = conflicts
        return summary
    }
}

/// A record that also goes to the dead-letter topic.
package struct Diversion: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        case rejected(RejectReason)
        /// The id was sighted before with other content.
        case conflict

        /// The `reason` header.
        package var name: String {
            switch self {
            case .rejected(let reason): reason.name
            case .conflict: "conflict"
            }
        }
    }

    package var offset: Int64
    package var cause: Cause

    package init(offset: Int64, cause: Cause) {
        self.offset = offset
        self.cause = cause
    }
}
