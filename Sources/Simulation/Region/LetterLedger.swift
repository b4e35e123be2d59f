/// Which records of a shard have to come to the dead-letter topic and have not yet.
struct LetterLedger {
    struct Due {
        var offset: Int64
        /// Whether only a node that knows the id's first record sees that it is one.
        var isConflict: Bool
    }

    /// By offset, rising.
    private(set) var due: [Due] = []

    mutating func add(_ offset: Int64, isConflict: Bool) {
        due.append(Due(offset: offset, isConflict: isConflict))
    }

    /// The letter is in its topic, or is larger than the topic takes.
    mutating func settle(_ offset: Int64) {
        if let index = due.firstIndex(where: { $0.offset == offset }) { due.remove(at: index) }
    }

    /// Nothing below `offset` is looked for any more: retention took it before it was read, or it
    /// was read for its id only.
    mutating func excuse(below offset: Int64) { due.removeAll { $0.offset < offset } }

    /// As `excuse(below:)`, for records that were folded by a node that does not know every id.
    mutating func excuseConflicts(below offset: Int64) {
        due.removeAll { $0.isConflict && $0.offset < offset }
    }
}
