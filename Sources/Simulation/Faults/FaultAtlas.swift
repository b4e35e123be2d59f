/// What a world has destroyed: decides whether a shard must come back in full or may declare a
/// gap. Silence is never allowed.
struct FaultAtlas {
    /// By shard, whether its log has lost its beginning.
    private(set) var isCut: [Bool]
    /// By shard, whether HQ has lost something of it, or has it by older settings than a node.
    private(set) var hasLost: [Bool]
    /// By shard, whether the log lost records that nobody had taken, or a node looked at it with a
    /// clock so wrong that it read too little of it.
    private(set) var isTorn: [Bool]
    /// By shard, whether its log is another one than that which HQ has values of.
    private(set) var isForeign: [Bool]

    /// By shard whose log is another one, where the first one ended.
    private(set) var endOfFirstLog: [Int: Int64] = [:]

    init(shards: Int) {
        isCut = Array(repeating: false, count: shards)
        hasLost = isCut
        isTorn = isCut
        isForeign = isCut
    }

    /// Whether minutes may be missing, as long as that is said.
    func mayDeclareGap(_ shard: Int) -> Bool { isTorn[shard] || isCut[shard] && hasLost[shard] }

    mutating func cut(_ shard: Int) { isCut[shard] = true }
    mutating func lose(_ shard: Int) { hasLost[shard] = true }
    mutating func tear(_ shard: Int) { isTorn[shard] = true }

    mutating func replace(_ shard: Int, end: Int64) {
        isForeign[shard] = true
        endOfFirstLog[shard] = end
    }
}
