import DeltaProtocol

/// HQ's values of one minute and currency, and the correct ones. Each problem is nil if there is
/// none.
struct PlaceComparison {
    var bucket: BucketValue
    var late: BucketValue
    /// By the second fold, at the same coverage.
    var rightBucket: BucketValue
    var rightLate: BucketValue
    var most: ShardTruth.Most

    var difference: UInt64 {
        (bucket.settled - rightBucket.settled).magnitude
            + (bucket.correction - rightBucket.correction).magnitude
            + (late.settled - rightLate.settled).magnitude
    }

    /// The problem if the minute is known in full.
    var problemOfKnown: String? {
        if bucket != rightBucket {
            return "\(text(bucket)) where \(text(rightBucket)) is right"
        }
        if late != rightLate {
            return "late money of \(text(late)) where \(text(rightLate)) is right"
        }
        return nil
    }

    /// The problem if the minute was decided with too few ids: repeats may have been taken for new,
    /// but nothing may be missing.
    var problemOfShort: String? {
        if bucket.correction != rightBucket.correction { return problemOfKnown }
        if !mayHaveBeenFull,
            bucket.settled < rightBucket.settled || bucket.transfers < rightBucket.transfers
                || late.settled < rightLate.settled || late.transfers < rightLate.transfers
        {
            return "\(text(bucket)) and late \(text(late)), less than the \(text(rightBucket)) and "
                + "\(text(rightLate)) that are right"
        }
        return excess
    }

    /// The problem if the minute is before the first that is known in full.
    ///
    /// - Parameters:
    ///   - isKeptUp: true if the minute has values, so that money missing in its bucket is late
    ///     money.
    ///   - wasHeld: true if the bucket was right at some earlier time.
    func problemOfSeeded(isKeptUp: Bool, wasHeld: Bool) -> String? {
        guard wasHeld else { return "\(text(bucket)), which never was right" }
        if let excess { return excess }
        guard isKeptUp else { return nil }
        if bucket.correction != rightBucket.correction {
            return "a correction of \(bucket.correction), \(rightBucket.correction) is right"
        }
        let sum = (
            bucket.settled + late.settled, bucket.transfers + late.transfers
        )
        let right = (
            rightBucket.settled + rightLate.settled, rightBucket.transfers + rightLate.transfers
        )
        guard !mayHaveBeenFull, sum.0 < right.0 || sum.1 < right.1 else { return nil }
        return "\(text(bucket)) and late \(text(late)), together less than \(text(rightBucket)) "
            + "and \(text(rightLate))"
    }

    /// True if a transfer may have been rejected for its full bucket, or for the late money of its
    /// minute.
    private var mayHaveBeenFull: Bool { most.wasFull || most.lateSettled > Limits.sumMagnitude }

    /// Describes values that exceed everything there was to count.
    private var excess: String? {
        if bucket.settled > most.settled || bucket.transfers > most.transfers {
            return "\(text(bucket)), more than all transfers of the minute"
        }
        if late.settled > most.lateSettled || late.transfers > most.lateTransfers {
            return "late money of \(text(late)), more than all that could be"
        }
        return nil
    }

    private func text(_ value: BucketValue) -> String {
        "\(value.settled):\(value.transfers):\(value.correction)"
    }
}
