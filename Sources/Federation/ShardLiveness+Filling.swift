extension ShardLiveness {
    /// How the text begins in place of a liveness while a shard is written in several steps, or one
    /// that replaces it has failed: its hashes are of two states of knowledge, and only a delta of
    /// the whole shard makes them one. The writer and the number of the step follow.
    package static let filling = "\(torn) filling"

    /// Whether `text` stands in place of a liveness because the shard is being filled.
    package static func isFilling(_ text: String) -> Bool { text.hasPrefix(filling) }
}
