package import DeltaProtocol

extension BucketValue {
    /// The sum of both, part by part; nil where a part would leave `Int64`.
    package func adding(_ other: BucketValue) -> BucketValue? {
        let settled = settled.addingReportingOverflow(other.settled)
        let transfers = transfers.addingReportingOverflow(other.transfers)
        let correction = correction.addingReportingOverflow(other.correction)
        guard !settled.overflow, !transfers.overflow, !correction.overflow else { return nil }
        return BucketValue(
            settled: settled.partialValue, transfers: transfers.partialValue,
            correction: correction.partialValue)
    }
}
