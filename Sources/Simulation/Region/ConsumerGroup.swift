/// The consumer group of one log, as its coordinator sees it.
struct ConsumerGroup {
    /// Numbers of the processes that the coordinator believes to be alive.
    var members: [Int]
    /// By partition, the process that has it; nil while there is none.
    private(set) var owners: [Int?]
    /// Rises with every rebalance: a member of an earlier one can commit nothing.
    private(set) var generation = 1
    /// How many partitions are handed out.
    var partitions: Int32
    /// By partition, how far the group has committed.
    var committed: [Int32: Int64] = [:]

    /// - Parameter most: how many partitions the topic may come to have.
    init(members: [Int], partitions: Int32, most: Int) {
        self.members = members
        self.partitions = partitions
        owners = Array(repeating: nil, count: most)
    }

    /// Hands every partition out again.
    mutating func rebalance(_ random: inout RandomStream) {
        generation += 1
        for partition in owners.indices {
            owners[partition] =
                members.isEmpty || partition >= partitions ? nil : random.pick(members)
        }
    }

    /// The partitions of a member.
    func partitions(of member: Int) -> [Int32] {
        owners.indices.filter { owners[$0] == member }.map { Int32($0) }
    }
}
