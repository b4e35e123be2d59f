import Federation

extension RedisScript {
    /// Reads some shards of one region, in one step.
    ///
    /// ARGV: 1 the region; 2 the shards, each as field, key prefix of buckets, key prefix of late
    /// money, minutes, late minutes; 3 how much to read, where a hash counts as one plus its
    /// fields. Returns per shard: watermark, liveness, then minute and hash alternately for
    /// buckets, and the same for late money, without missing hashes. Then the number of minutes and
    /// late minutes covered; another script reads the rest.
    static let readShards = RedisScript(
        name: "readShards",
        source: ScriptParts.hash + """
            local left = tonumber(ARGV[3])
            local function standing(prefix, minutes)
              local found = {}
              for i = 1, #minutes do
                if left <= 0 then return found, i - 1 end
                local values = hash(prefix .. minutes[i])
                left = left - 1 - #values / 2
                if #values > 0 then
                  found[#found + 1] = minutes[i]
                  found[#found + 1] = values
                end
              end
              return found, #minutes
            end
            -- Most minutes have no late money, so one EXISTS replaces a read per minute.
            local function anyOf(prefix, minutes)
              for i = 1, #minutes, 1000 do
                local keys = {}
                for j = i, math.min(i + 999, #minutes) do keys[#keys + 1] = prefix .. minutes[j] end
                if redis.call('EXISTS', unpack(keys)) > 0 then return standing(prefix, minutes) end
              end
              return {}, #minutes
            end
            local shards = cmsgpack.unpack(ARGV[2])
            local answer = {}
            for i = 1, #shards do
              local s = shards[i]
              local buckets, read = standing(s[2], s[4])
              local late, lateRead = {}, 0
              if read == #s[4] then late, lateRead = anyOf(s[3], s[5]) end
              answer[i] = {
                redis.call('HGET', 'watermark:' .. ARGV[1], s[1]),
                redis.call('HGET', 'liveness:' .. ARGV[1], s[1]),
                buckets, late, read, lateRead
              }
            end
            return answer
            """)

    /// Reads the changes since a position, or everything, together with the other facts, in one
    /// step.
    ///
    /// ARGV: 1 the store id seen; 2 the version seen; 3 the maximum number of hash fields to read;
    /// 4 the regions. Returns id, version, whether it is a full view (1 or 0), per region its
    /// watermarks and liveness, the changed minutes, their hashes with those of late money (`false`
    /// if there are too many), the listed minutes and versions alternately, the first minute
    /// retained, and the topology.
    ///
    /// A full view includes every minute that Redis retains by its own clock, listed or not,
    /// because minutes missing from a damaged list must not look empty. A list is damaged if the
    /// version listed last is missing.
    static let refresh = RedisScript(
        name: "refresh",
        source: ScriptParts.hash + ScriptParts.shards + ScriptParts.countedShards
            + ScriptParts.collect + """
                local regions = cmsgpack.unpack(ARGV[4])
                local state = redis.call('HMGET', 'store', 'id', 'version', 'listed')
                local top = redis.call('ZREVRANGE', 'changes', 0, 0, 'WITHSCORES')
                local full = not state[1] or state[1] ~= ARGV[1]
                  or tonumber(state[2] or '0') < tonumber(ARGV[2])
                  or tonumber(top[2] or '0') < tonumber(state[3] or '0')
                local present = math.floor(tonumber(redis.call('TIME')[1]) / 60)
                local first = present - \(StoreRetention.retainedBefore)
                local listed
                if full then
                  listed = redis.call('ZRANGE', 'changes', 0, -1, 'WITHSCORES')
                else
                  listed = redis.call(
                    'ZRANGEBYSCORE', 'changes', '(' .. ARGV[2], '+inf', 'WITHSCORES')
                end
                local changed = {}
                for i = 1, #listed, 2 do changed[#changed + 1] = listed[i] end
                local facts, shards, count = {}, {}, 0
                for r, region in ipairs(regions) do
                  facts[r] = {
                    redis.call('HGETALL', 'watermark:' .. region),
                    redis.call('HGETALL', 'liveness:' .. region)
                  }
                  shards[r] = countedShardsOf(region)
                  count = count + #shards[r]
                end
                if full and count > 0 then
                  local named = {}
                  for i = 1, #changed do named[changed[i]] = true end
                  for number = first, present + \(StoreRetention.readAhead) do
                    local minute = string.format('%d', number)
                    if not named[minute] then changed[#changed + 1] = minute end
                  end
                end
                local hashes, done =
                  collect(regions, shards, changed, tonumber(ARGV[3]), true)
                if done < #changed then hashes = false end
                return {
                  state[1], state[2], full and 1 or 0, facts, changed, hashes, listed, first,
                  redis.call('HGETALL', 'topology')
                }
                """)

    /// Reads the hashes of some minutes, with those of late and missed money. ARGV: 1 the regions;
    /// 2 the minutes; 3 the maximum number of fields to read. Returns the hashes, and the number of
    /// minutes covered.
    static let readMinutes = RedisScript(
        name: "readMinutes",
        source: ScriptParts.hash + ScriptParts.shards + ScriptParts.countedShards
            + ScriptParts.collect + """
                local regions = cmsgpack.unpack(ARGV[1])
                local minutes = cmsgpack.unpack(ARGV[2])
                local shards = {}
                for r, region in ipairs(regions) do shards[r] = countedShardsOf(region) end
                local hashes, done =
                  collect(regions, shards, minutes, tonumber(ARGV[3]), true)
                return {hashes, done}
                """)
}
