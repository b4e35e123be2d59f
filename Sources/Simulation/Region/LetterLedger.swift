/// The records of a shard that must still reach the dead-letter topic.
struct LetterLedger {
    struct Due {
        var offset: Int64
        /// For a conflict, the offset of the record whose content counts.
        var contentFrom: Int64?
    }

    /// By offset, rising.
    private(set) var due: [Due] = []
    /// The greatest offset at which any node has begun to read.
    private var readFrom: Int64 = 0

    mutating func add(_ offset: Int64, contentFrom: Int64?) {
        if let contentFrom, contentFrom < readFrom { return }
        due.append(Due(offset: offset, contentFrom: contentFrom))
    }

    /// The letter is in its topic, or is larger than the topic accepts.
    mutating func settle(_ offset: Int64) {
        if let index = due.firstIndex(where: { $0.offset == offset }) { due.remove(at: index) }
    }

    /// A node reads from `offset` on. Earlier records are too old to be read again, and so are
    /// those that only earlier records would show to be conflicts.
    mutating func readIsFrom(_ offset: Int64) {
        readFrom = max(readFrom, offset)
        due.removeAll { $0.offset < offset || $0.contentFrom.map { $0 < offset } ?? false }
    }
}
