/// Records what a world has destroyed. This decides whether a shard must recover in full or may
/// declare a gap. An undeclared gap is never allowed.
struct FaultAtlas {
    /// By shard, true if its log has lost its beginning.
    private(set) var isCut: [Bool]
    /// By shard, true if HQ has lost part of it, or has it by older settings than a node's.
    private(set) var hasLost: [Bool]
    /// By shard, true if the log lost records that HQ had not received, or if a node read too
    /// little of it because its clock was far off.
    private(set) var isTorn: [Bool]
    /// By shard, true if its log differs from the one that HQ has values of.
    private(set) var isForeign: [Bool]

    /// By shard with a different log, the end of the first log.
    private(set) var endOfFirstLog: [Int: Int64] = [:]

    init(shards: Int) {
        isCut = Array(repeating: false, count: shards)
        hasLost = isCut
        isTorn = isCut
        isForeign = isCut
    }

    /// True if minutes may be missing, provided that the shard declares it.
    func mayDeclareGap(_ shard: Int) -> Bool { isTorn[shard] || isCut[shard] && hasLost[shard] }

    mutating func cut(_ shard: Int) { isCut[shard] = true }
    mutating func lose(_ shard: Int) { hasLost[shard] = true }
    mutating func tear(_ shard: Int) { isTorn[shard] = true }

    mutating func replace(_ shard: Int, end: Int64) {
        isForeign[shard] = true
        endOfFirstLog[shard] = end
    }
}
