import Federation
import Identifiers

/// Recovery from unusable keys, and from a Redis that has become a replica.
extension StoreConversation {
    /// The keys that every operation depends on, with their types.
    private var fixedKeys: [(key: String, type: String)] {
        [("store", "hash"), (StoreKeys.changes, "zset"), (StoreKeys.topology, "hash")]
            + configuration.regions.flatMap {
                [(StoreKeys.watermarks($0), "hash"), (StoreKeys.liveness($0), "hash")]
            }
    }

    /// Removes fixed keys of a wrong type, or with text instead of a number. All of them can be
    /// rebuilt: a region without watermarks resends its shards, readers treat a store without an
    /// identity as a new one, and maintenance restores the list of changes.
    ///
    /// - Returns: the removed keys, each with the reason.
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
              if text and not (text:match('^%d+$') and #text <= 15) then
                reason = field .. ' is not a number'
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

    /// True if Redis is a replica, which rejects writes and may be behind; nil if it does not
    /// answer.
    static func isReplica(_ connection: RedisConnection) -> Bool? {
        try? connection.send(RedisCommand("INFO", "replication"), doing: "asking for the role") {
            $0.text.map { text in
                text.split(whereSeparator: \.isNewline).contains { $0 == "role:slave" }
            }
        } ?? nil
    }
}
