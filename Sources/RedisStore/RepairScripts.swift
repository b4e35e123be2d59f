extension RedisScript {
    /// Sums and shards side by side.
    ///
    /// ARGV: 1 the regions; 2 the minutes; 3 all currency codes. Answers id, version, the seconds
    /// of Redis's clock, per region the fields of its shards, the hashes of the minutes, and per
    /// minute: the minute, its place in `changes` or `false`, the published sums and the counts
    /// by currency.
    static let survey = RedisScript(
        name: "survey",
        source: ScriptParts.hash + ScriptParts.shards + ScriptParts.collect + """
            local regions = cmsgpack.unpack(ARGV[1])
            local minutes = cmsgpack.unpack(ARGV[2])
            local codes = cmsgpack.unpack(ARGV[3])
            local state = redis.call('HMGET', 'store', 'id', 'version')
            local shards = {}
            for r, region in ipairs(regions) do shards[r] = shardsOf(region) end
            local function sums(family, minute)
              local keys = {}
              for i, code in ipairs(codes) do keys[i] = family .. code .. ':' .. minute end
              return redis.call('MGET', unpack(keys))
            end
            local views = {}
            for i, minute in ipairs(minutes) do
              views[i] = {
                minute,
                redis.call('ZSCORE', 'changes', minute),
                sums('metric:', minute),
                sums('transfers:', minute)
              }
            end
            return {
              state[1], state[2], redis.call('TIME')[1], shards,
              collect(regions, shards, minutes), views
            }
            """)

    /// Sets sums to what the shards add up to, unless the store has changed since the survey.
    ///
    /// ARGV: 1 an id for a store that has none; 2 the expected id and version (`false` where
    /// absent); 3 key, value and expiry in turns; 4 keys to remove; 5 minutes to list as changed;
    /// 6 region and field in turns of the watermarks to drop; 7 minutes to take off the list.
    /// Answers how many watermarks it dropped.
    static let repair = RedisScript(
        name: "repair",
        source: """
            local expected = cmsgpack.unpack(ARGV[2])
            local state = redis.call('HMGET', 'store', 'id', 'version')
            if state[1] ~= expected[1] or state[2] ~= expected[2] then return {'conflict'} end
            local gone = cmsgpack.unpack(ARGV[4])
            for i = 1, #gone do redis.call('DEL', gone[i]) end
            local sums = cmsgpack.unpack(ARGV[3])
            for i = 1, #sums, 3 do
              redis.call('SET', sums[i], sums[i + 1])
              redis.call('EXPIREAT', sums[i], sums[i + 2])
            end
            redis.call('HSETNX', 'store', 'id', ARGV[1])
            redis.call('HINCRBY', 'store', 'version', 1)
            local version = redis.call('HGET', 'store', 'version')
            local minutes = cmsgpack.unpack(ARGV[5])
            for i = 1, #minutes do redis.call('ZADD', 'changes', version, minutes[i]) end
            local bare = cmsgpack.unpack(ARGV[7])
            for i = 1, #bare do redis.call('ZREM', 'changes', bare[i]) end
            local dropped = 0
            local shards = cmsgpack.unpack(ARGV[6])
            for i = 1, #shards, 2 do
              dropped = dropped + redis.call('HDEL', 'watermark:' .. shards[i], shards[i + 1])
            end
            return {'written', dropped}
            """)

    /// How many keys stand per minute.
    ///
    /// ARGV: 1 the regions; 2 the minutes; 3 all currency codes. Answers the store's id, the
    /// seconds of Redis's clock, and per minute: its place in `changes` or `false`, how many
    /// published sums and counts of it stand, and how many hashes of each region.
    static let presence = RedisScript(
        name: "presence",
        source: ScriptParts.shards + """
            local regions = cmsgpack.unpack(ARGV[1])
            local minutes = cmsgpack.unpack(ARGV[2])
            local codes = cmsgpack.unpack(ARGV[3])
            local prefixes = {}
            for r, region in ipairs(regions) do
              prefixes[r] = {}
              for s, field in ipairs(shardsOf(region)) do
                prefixes[r][s] = 'shard:' .. region .. ':' .. string.gsub(field, '/', ':') .. ':'
              end
            end
            local metrics, transfers = {}, {}
            for i, code in ipairs(codes) do
              metrics[i] = 'metric:' .. code .. ':'
              transfers[i] = 'transfers:' .. code .. ':'
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
            local answer = {redis.call('HGET', 'store', 'id'), redis.call('TIME')[1]}
            for _, minute in ipairs(minutes) do
              local hashes = {}
              for r = 1, #regions do hashes[r] = standing(prefixes[r], minute) end
              answer[#answer + 1] = {
                redis.call('ZSCORE', 'changes', minute),
                standing(metrics, minute),
                standing(transfers, minute),
                hashes
              }
            end
            return answer
            """)
}
