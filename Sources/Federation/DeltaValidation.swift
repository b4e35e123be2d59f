import CivilTime
import DeltaProtocol

/// What no delta may hold, whatever stands.
enum DeltaValidation {
    /// Why `delta` is refused; nil where it is sound.
    static func refusal(of delta: ShardDelta) -> RefusalReason? {
        guard delta.base >= 0, delta.coverage >= delta.base else { return .malformed }
        if let marker = delta.marker, marker.system.utf8.count > Limits.ledgerSystemBytes {
            return .malformed
        }
        // Late money is named by arrival, which may lie before the first complete minute.
        return refusal(of: delta.buckets, from: delta.completeFrom)
            ?? refusal(of: delta.late, from: nil)
    }

    private static func refusal(of buckets: [Bucket], from first: Minute?) -> RefusalReason? {
        guard buckets.count <= Limits.bucketsPerShard else { return .malformed }
        var previous: Bucket?
        for bucket in buckets {
            if let previous, !Bucket.precedes(previous, bucket) { return .unsorted }
            if let first, bucket.minute < first { return .malformed }
            guard bucket.value.isWithinLimits else { return .overflow }
            previous = bucket
        }
        return nil
    }
}
