/// The consumer group of one log, from its coordinator's view.
struct ConsumerGroup {
    /// Numbers of the processes that the coordinator considers alive.
    var members: [Int]
    /// By partition, the process that owns it; nil if there is none.
    private(set) var owners: [Int?]
    /// Rises with every rebalance: a member of an earlier generation cannot commit.
    private(set) var generation = 1
    /// The number of partitions assigned.
    var partitions: Int32
    /// By partition, the group's committed offset.
    var committed: [Int32: Int64] = [:]

    /// - Parameter most: the maximum number of partitions that the topic may get.
    init(members: [Int], partitions: Int32, most: Int) {
        self.members = members
        self.partitions = partitions
        owners = Array(repeating: nil, count: most)
    }

    /// Assigns every partition again.
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
