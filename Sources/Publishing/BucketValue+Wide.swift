import DeltaProtocol

extension BucketValue {
    /// `published` of a sum over shards, whose two parts may each fill an `Int64`.
    var publishedWide: Int128 { Int128(settled) + Int128(correction) }
}
