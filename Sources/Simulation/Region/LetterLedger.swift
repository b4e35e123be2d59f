/// Which records of a shard have to come to the dead-letter topic and have not yet.
struct LetterLedger {
    /// Offsets, rising.
    private(set) var due: [Int64] = []

    mutating func add(_ offset: Int64) { due.append(offset) }

    /// The letter is in its topic, or is larger than the topic takes.
    mutating func settle(_ offset: Int64) {
        if let index = due.firstIndex(of: offset) { due.remove(at: index) }
    }

    /// Nothing below `offset` is looked for any more: retention took it before it was read, or it
    /// was read for its id only.
    mutating func excuse(below offset: Int64) { due.removeAll { $0 < offset } }
}
