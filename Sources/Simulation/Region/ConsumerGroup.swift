/// The consumer group of one region, as its coordinator sees it.
struct ConsumerGroup {
    /// Numbers of the nodes that the coordinator believes to be alive.
    var members: [Int]
    /// By local number of the shard, the node that has it; nil while there is none.
    private(set) var owners: [Int?]

    init(members: [Int], shards: Int) {
        self.members = members
        owners = Array(repeating: nil, count: shards)
    }

    /// Hands every shard out anew.
    mutating func rebalance(_ random: inout RandomStream) {
        for shard in owners.indices {
            owners[shard] = members.isEmpty ? nil : random.pick(members)
        }
    }
}
