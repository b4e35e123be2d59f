import CivilTime
import DeltaProtocol

/// Finds deltas that are invalid whatever the store holds.
enum DeltaValidation {
    /// A healing replaces one digest range, in minutes.
    private static let healedMinutesMax = 60

    /// Why `delta` is refused; nil if it is valid.
    static func refusal(of delta: ShardDelta) -> RefusalReason? {
        guard delta.base >= 0, delta.coverage >= delta.base else { return .malformed }
        if let marker = delta.marker, marker.system.utf8.count > Limits.ledgerSystemBytes {
            return .malformed
        }
        for print in [delta.fingerprint, delta.baseFingerprint] {
            guard print.map({ $0.offset >= 0 && $0.offset < delta.coverage }) ?? true else {
                return .malformed
            }
        }
        if let range = delta.replaced {
            let length = range.lowerBound.distance(to: range.upperBound) + 1
            guard range.lowerBound >= delta.claims.idsFrom,
                delta.base == 0 || length <= healedMinutesMax
            else { return .malformed }
        } else if delta.base == 0 {
            return .malformed
        }
        guard delta.base != 0 || delta.missed.isEmpty,
            delta.missed.allSatisfy({ $0.value.settled >= 0 && $0.value.correction == 0 })
        else { return .malformed }
        return refusal(of: delta.buckets) ?? refusal(of: delta.late) ?? refusal(of: delta.missed)
    }

    private static func refusal(of buckets: [Bucket]) -> RefusalReason? {
        guard buckets.count <= Limits.bucketsPerShard else { return .malformed }
        var previous: Bucket?
        for bucket in buckets {
            if let previous, !Bucket.precedes(previous, bucket) { return .unsorted }
            guard bucket.value.isWithinLimits else { return .overflow }
            previous = bucket
        }
        return nil
    }
}
