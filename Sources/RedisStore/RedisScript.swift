/// A Lua script that Redis keeps by its digest. All arguments travel in ARGV, packed where they
/// are many: the store is one Redis with replicas, never a cluster, so no key needs declaring.
///
/// No script computes with money: values pass through as strings, and the only numbers are
/// versions, minutes and seconds.
struct RedisScript: Hashable, Sendable {
    let name: String
    let source: String

    static func == (a: RedisScript, b: RedisScript) -> Bool { a.name == b.name }

    func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// Lua that several scripts begin with.
enum ScriptParts {
    /// `shardsOf(region)`: the fields `log/partition` of all shards that the region has or had.
    /// Liveness outlives a dropped watermark, whose hashes still stand and still count.
    static let shards = """
        local function shardsOf(region)
          local seen, list = {}, {}
          for _, family in ipairs({'watermark:', 'liveness:'}) do
            for _, field in ipairs(redis.call('HKEYS', family .. region)) do
              if not seen[field] and string.find(field, '/', 1, true) then
                seen[field] = true
                list[#list + 1] = field
              end
            end
          end
          table.sort(list)
          return list
        end

        """

    /// `hash(key)`: fields and values, or the string `damaged` where the key is something else.
    static let hash = """
        local function hash(key)
          local reply = redis.pcall('HGETALL', key)
          if reply.err then return 'damaged' end
          return reply
        end

        """

    /// `collect(regions, shards, minutes)`: for each minute, region and shard with a hash, in this
    /// order: the region's place from 1 on, the minute, the shard's field, the hash.
    static let collect = """
        local function collect(regions, shards, minutes)
          local found = {}
          local prefixes = {}
          for r, region in ipairs(regions) do
            prefixes[r] = {}
            for s, field in ipairs(shards[r]) do
              prefixes[r][s] = 'shard:' .. region .. ':' .. string.gsub(field, '/', ':') .. ':'
            end
          end
          for _, minute in ipairs(minutes) do
            for r = 1, #regions do
              for s, prefix in ipairs(prefixes[r]) do
                local values = hash(prefix .. minute)
                if #values > 0 then
                  local n = #found
                  found[n + 1] = r
                  found[n + 2] = minute
                  found[n + 3] = shards[r][s]
                  found[n + 4] = values
                end
              end
            end
          end
          return found
        end

        """
}
