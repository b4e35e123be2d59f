/// Which records of a shard have to come to the dead-letter topic and have not yet.
struct LetterLedger {
    struct Due {
        var offset: Int64
        /// Of a conflict, the offset of the record that the id's content is from.
        var contentFrom: Int64?
    }

    /// By offset, rising.
    private(set) var due: [Due] = []
    /// The first offset that every node has read that has begun to read so far.
    private var readFrom: Int64 = 0

    mutating func add(_ offset: Int64, contentFrom: Int64?) {
        if let contentFrom, contentFrom < readFrom { return }
        due.append(Due(offset: offset, contentFrom: contentFrom))
    }

    /// The letter is in its topic, or is larger than the topic takes.
    mutating func settle(_ offset: Int64) {
        if let index = due.firstIndex(where: { $0.offset == offset }) { due.remove(at: index) }
    }

    /// A node reads from `offset` on: what lies before is too old to be read by anybody, and so is
    /// what only the records before it would show to be a conflict.
    mutating func readIsFrom(_ offset: Int64) {
        readFrom = max(readFrom, offset)
        due.removeAll { $0.offset < offset || $0.contentFrom.map { $0 < offset } ?? false }
    }
}
