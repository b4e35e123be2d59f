import CivilTime
import DeltaProtocol
import Money

/// Merges a delta's buckets over the stored ones, both in the order of `Bucket.precedes`, in one
/// pass over both. Collects the changes.
struct BucketMerge {
    struct Scope {
        /// Minutes before it are ignored.
        var firstRetained: Minute
        /// The part of a named bucket to take.
        var taking: Taking
        /// In these minutes a bucket that the delta omits becomes 0.
        var replaced: [ClosedRange<Minute>]

        enum Taking {
            /// The whole value.
            case values
            /// Before this minute only the correction: the delta knows too little of its transfers.
            case correctionsBefore(Minute)
        }
    }

    private let scope: Scope
    private(set) var changes: [BucketChange] = []
    /// The number of named buckets before the retention.
    private(set) var ignored = 0

    init(scope: Scope) { self.scope = scope }

    /// False if a difference overflows `Int64`.
    mutating func merge(_ named: [Bucket], over old: [Bucket]) -> Bool {
        changes.reserveCapacity(named.count)
        var next = 0
        for bucket in named {
            while next < old.count, Bucket.precedes(old[next], bucket) {
                guard leaveOut(old[next]) else { return false }
                next += 1
            }
            var standing = BucketValue.zero
            if next < old.count, !Bucket.precedes(bucket, old[next]) {
                standing = old[next].value
                next += 1
            }
            guard bucket.minute >= scope.firstRetained else {
                ignored += 1
                continue
            }
            guard replace(taken(bucket, over: standing), standing: standing) else { return false }
        }
        while next < old.count {
            guard leaveOut(old[next]) else { return false }
            next += 1
        }
        return true
    }

    private func taken(_ bucket: Bucket, over standing: BucketValue) -> Bucket {
        guard case .correctionsBefore(let minute) = scope.taking, bucket.minute < minute else {
            return bucket
        }
        var kept = bucket
        kept.value.settled = standing.settled
        kept.value.transfers = standing.transfers
        return kept
    }

    /// Handles a stored bucket that the delta omits.
    private mutating func leaveOut(_ bucket: Bucket) -> Bool {
        guard bucket.minute >= scope.firstRetained,
            scope.replaced.contains(where: { $0.contains(bucket.minute) })
        else { return true }
        return replace(
            Bucket(minute: bucket.minute, currency: bucket.currency, value: .zero),
            standing: bucket.value)
    }

    private mutating func replace(_ bucket: Bucket, standing: BucketValue) -> Bool {
        let new = bucket.value
        guard new != standing else { return true }
        let settled = new.settled.subtractingReportingOverflow(standing.settled)
        let correction = new.correction.subtractingReportingOverflow(standing.correction)
        let published = settled.partialValue.addingReportingOverflow(correction.partialValue)
        let transfers = new.transfers.subtractingReportingOverflow(standing.transfers)
        guard !settled.overflow, !correction.overflow, !published.overflow, !transfers.overflow
        else { return false }
        changes.append(
            BucketChange(
                minute: bucket.minute, currency: bucket.currency, value: new,
                published: published.partialValue, transfers: transfers.partialValue))
        return true
    }
}
