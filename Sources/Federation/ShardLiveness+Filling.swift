extension ShardLiveness {
    /// Prefix of the text that replaces a liveness while a shard is written in several steps, or
    /// after a script that replaces the whole shard failed. The hashes then mix two states, which
    /// only a whole delta repairs. The writer and the step number follow.
    package static let filling = "\(torn) filling"

    /// True if `text` marks the shard as being filled.
    package static func isFilling(_ text: String) -> Bool { text.hasPrefix(filling) }
}
