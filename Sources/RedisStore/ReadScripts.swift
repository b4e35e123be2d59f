extension RedisScript {
    /// What stands of some shards of one region, in one step.
    ///
    /// ARGV: 1 the region; 2 the shards, each as field, key prefix of buckets, key prefix of late
    /// money, minutes, late minutes. Answers per shard: watermark, liveness, then minute and hash
    /// in turns for buckets, and the same for late money; hashes that do not stand are left out.
    static let readShards = RedisScript(
        name: "readShards",
        source: ScriptParts.hash + """
            local function standing(prefix, minutes)
              local found = {}
              for i = 1, #minutes do
                local values = hash(prefix .. minutes[i])
                if #values > 0 then
                  found[#found + 1] = minutes[i]
                  found[#found + 1] = values
                end
              end
              return found
            end
            local shards = cmsgpack.unpack(ARGV[2])
            local answer = {}
            for i = 1, #shards do
              local s = shards[i]
              answer[i] = {
                redis.call('HGET', 'watermark:' .. ARGV[1], s[1]),
                redis.call('HGET', 'liveness:' .. ARGV[1], s[1]),
                standing(s[2], s[4]),
                standing(s[3], s[5])
              }
            end
            return answer
            """)

    /// What has changed since a position, or everything, with the facts beside it, in one step.
    ///
    /// ARGV: 1 the store id seen; 2 the version seen; 3 the most minutes whose hashes to read;
    /// 4 the regions. Answers id, version, whether it is a full view (1 or 0), per region its
    /// watermarks and liveness, the changed minutes, and their hashes; `false` in place of the
    /// hashes where there are too many minutes.
    static let refresh = RedisScript(
        name: "refresh",
        source: ScriptParts.hash + ScriptParts.shards + ScriptParts.collect + """
            local regions = cmsgpack.unpack(ARGV[4])
            local state = redis.call('HMGET', 'store', 'id', 'version')
            local full = not state[1] or state[1] ~= ARGV[1]
              or tonumber(state[2] or '0') < tonumber(ARGV[2])
            local changed
            if full then
              changed = redis.call('ZRANGE', 'changes', 0, -1)
            else
              changed = redis.call('ZRANGEBYSCORE', 'changes', '(' .. ARGV[2], '+inf')
            end
            local facts, shards = {}, {}
            for r, region in ipairs(regions) do
              facts[r] = {
                redis.call('HGETALL', 'watermark:' .. region),
                redis.call('HGETALL', 'liveness:' .. region)
              }
              shards[r] = shardsOf(region)
            end
            local hashes = false
            if #changed <= tonumber(ARGV[3]) then hashes = collect(regions, shards, changed) end
            return {state[1], state[2], full and 1 or 0, facts, changed, hashes}
            """)

    /// The hashes of some minutes. ARGV: 1 the regions; 2 the minutes.
    static let readMinutes = RedisScript(
        name: "readMinutes",
        source: ScriptParts.hash + ScriptParts.shards + ScriptParts.collect + """
            local regions = cmsgpack.unpack(ARGV[1])
            local shards = {}
            for r, region in ipairs(regions) do shards[r] = shardsOf(region) end
            return collect(regions, shards, cmsgpack.unpack(ARGV[2]))
            """)
}
