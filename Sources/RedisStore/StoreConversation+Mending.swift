import Federation
import Topology

/// Keys of ours that hold something else, and a Redis that may not be written.
extension StoreConversation {
    /// The keys without which nothing can be read or written, by the type that each must have.
    private var fixedKeys: [(key: String, type: String)] {
        [("store", "hash"), (StoreKeys.changes, "zset"), (StoreKeys.topology, "hash")]
            + configuration.regions.flatMap {
                [(StoreKeys.watermarks($0), "hash"), (StoreKeys.liveness($0), "hash")]
            }
    }

    /// Removes those of the fixed keys that hold another type, or texts where numbers belong:
    /// nobody can use what is there, and all of it comes back. A region without watermarks sends
    /// its shards whole, a store without an identity is read as a new one, and maintenance rebuilds
    /// the list of changes.
    ///
    /// - Returns: what was removed, each with the type found.
    func removeForeignKeys(_ connection: RedisConnection) throws(RedisStoreError) -> [String] {
        let keys = fixedKeys
        var command = RedisCommand("EVAL", Self.removal, "0")
        for (key, type) in keys {
            command.append(key)
            command.append(type)
        }
        return try connection.send(command, doing: "looking for keys of another type") {
            $0.texts
        }
    }

    private static let removal = """
        local removed = {}
        local numbers = {store = {'version', 'listed'}, topology = {'generation'}}
        for i = 1, #ARGV, 2 do
          local found = redis.call('TYPE', ARGV[i]).ok
          local reason = found ~= ARGV[i + 1] and found or nil
          if not reason then
            for _, field in ipairs(numbers[ARGV[i]] or {}) do
              local text = redis.call('HGET', ARGV[i], field)
              if text and not text:match('^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?$') then
                reason = field .. ' is no number'
              end
            end
          end
          if found ~= 'none' and reason then
            redis.call('DEL', ARGV[i])
            removed[#removed + 1] = ARGV[i] .. ' (' .. reason .. ')'
          end
        end
        return removed
        """

    /// Whether Redis is a replica, which takes no writes and may be behind. Not known where it does
    /// not answer.
    static func isReplica(_ connection: RedisConnection) -> Bool? {
        try? connection.send(RedisCommand("INFO", "replication"), doing: "asking for the role") {
            $0.text.map { text in
                text.split(whereSeparator: \.isNewline).contains { $0 == "role:slave" }
            }
        } ?? nil
    }
}
