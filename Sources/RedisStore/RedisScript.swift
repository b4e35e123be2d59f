/// A Lua script that Redis caches by its digest. All arguments are passed in ARGV, packed if they
/// are many. The store is one Redis with replicas, never a cluster, so no keys need declaring.
///
/// Scripts do no arithmetic on money: values pass through as strings, and the only numbers are
/// versions, minutes and seconds.
struct RedisScript: Hashable, Sendable {
    let name: String
    let source: String

    static func == (a: RedisScript, b: RedisScript) -> Bool { a.name == b.name }

    func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// Lua prefixes shared by several scripts.
enum ScriptParts {
    /// `shardsOf(region)`: the fields `log/partition` of all shards that the region has or had. A
    /// liveness outlives a dropped watermark, whose hashes still exist and still count.
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

    /// `countedShardsOf(region)`: like `shardsOf`, but only of the logs that the store's topology
    /// counts, if there is one.
    static let countedShards = """
        local function countedShardsOf(region)
          local logs = redis.call('HGET', 'topology', 'logs:' .. region)
          local list = shardsOf(region)
          if not logs then return list end
          local counts, counted = {}, {}
          for log in string.gmatch(logs, '%S+') do counts[log] = true end
          for _, field in ipairs(list) do
            if counts[string.match(field, '^[^/]*')] then counted[#counted + 1] = field end
          end
          return counted
        end

        """

    /// `hash(key)`: fields and values, or the string `damaged` if the key is not a hash.
    static let hash = """
        local function hash(key)
          local reply = redis.pcall('HGETALL', key)
          if reply.err then return 'damaged' end
          return reply
        end

        """

    /// `list(id, minutes)` gives the store the next version, and an id if it has none, and lists
    /// minutes as changed at that version; `unlist(minutes)` removes minutes from the list.
    ///
    /// `store` also holds the greatest version that was listed. If the list lacks it, members
    /// were lost, and readers read everything until `settle()` marks the list complete. A commit
    /// must not make an incomplete list look complete.
    static let list = """
        local function last()
          return redis.call('ZREVRANGE', 'changes', 0, 0, 'WITHSCORES')[2] or '0'
        end

        local function isWhole()
          local last = last()
          return last == (redis.call('HGET', 'store', 'listed') or last)
        end

        local function settle() redis.call('HSET', 'store', 'listed', last()) end

        local function list(id, minutes)
          redis.call('HSETNX', 'store', 'id', id)
          redis.call('HINCRBY', 'store', 'version', 1)
          if #minutes == 0 then return end
          local version = redis.call('HGET', 'store', 'version')
          local whole = isWhole()
          for i = 1, #minutes do redis.call('ZADD', 'changes', version, minutes[i]) end
          redis.call('HSET', 'store', 'listed', whole and version or '9007199254740992')
        end

        local function unlist(minutes)
          if #minutes == 0 then return end
          local whole = isWhole()
          for i = 1, #minutes do redis.call('ZREM', 'changes', minutes[i]) end
          if whole then settle() end
        end

        """

    /// `accountsOf(regions, shards)`: the key prefixes of late and missed money, to which the
    /// minute is appended. `standing(prefixes, minute)`: the number of these keys that exist.
    static let accounts = """
        local function accountsOf(regions, shards)
          local prefixes = {}
          for r, region in ipairs(regions) do
            prefixes[#prefixes + 1] = 'missed:' .. region .. ':'
            for _, field in ipairs(shards[r]) do
              local name = string.gsub(field, '/', ':')
              prefixes[#prefixes + 1] = 'late:' .. region .. ':' .. name .. ':'
            end
          end
          return prefixes
        end

        local function standing(prefixes, minute)
          local count, keys = 0, {}
          for i = 1, #prefixes do
            keys[#keys + 1] = prefixes[i] .. minute
            if #keys == 1000 or i == #prefixes then
              count = count + redis.call('EXISTS', unpack(keys))
              keys = {}
            end
          end
          return count
        end

        """

    /// `collect(regions, shards, minutes, budget, withAccounts)`: for each minute, region and shard
    /// with a hash: the region's index from 1 on, the minute, the shard's field, the hash. Then the
    /// number of minutes covered, which is smaller if `budget` fields and hashes were read before
    /// the end. With accounts, the region's late money (index below 0) and then its missed money
    /// (index below 0, no field) follow the buckets.
    static let collect = """
        local function collect(regions, shards, minutes, budget, withAccounts)
          local found, work, done = {}, 0, 0
          local families = withAccounts and {'shard:', 'late:'} or {'shard:'}
          local function add(place, minute, field, values)
            work = work + 1 + #values / 2
            if #values > 0 then
              local n = #found
              found[n + 1], found[n + 2] = place, minute
              found[n + 3], found[n + 4] = field, values
            end
          end
          local prefixes = {}
          for r, region in ipairs(regions) do
            prefixes[r] = {}
            for f, family in ipairs(families) do
              prefixes[r][f] = {}
              for s, field in ipairs(shards[r]) do
                local name = string.gsub(field, '/', ':')
                prefixes[r][f][s] = family .. region .. ':' .. name .. ':'
              end
            end
          end
          for _, minute in ipairs(minutes) do
            if work >= budget then break end
            done = done + 1
            for r = 1, #regions do
              for f, shardPrefixes in ipairs(prefixes[r]) do
                for s, prefix in ipairs(shardPrefixes) do
                  add(f == 1 and r or -r, minute, shards[r][s], hash(prefix .. minute))
                end
              end
              if withAccounts then
                add(-r, minute, '', hash('missed:' .. regions[r] .. ':' .. minute))
              end
            end
          end
          return found, done
        end

        """
}
