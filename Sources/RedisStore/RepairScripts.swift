extension RedisScript {
    /// Reads sums together with their shards.
    ///
    /// ARGV: 1 the regions; 2 the minutes; 3 all currency codes; 4 the maximum number of hash
    /// fields to read. Returns id, version, the seconds of Redis's clock, per region its shards'
    /// fields, the hashes of as many minutes as that allows, and for each of those: the minute, its
    /// version in `changes` or `false`, the published sums and the counts by currency, and the
    /// number of keys of late and missed money.
    static let survey = RedisScript(
        name: "survey",
        source: ScriptParts.hash + ScriptParts.shards + ScriptParts.collect
            + ScriptParts.accounts + """
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
                local hashes, done = collect(regions, shards, minutes, tonumber(ARGV[4]))
                local accounts = accountsOf(regions, shards)
                local views = {}
                for i = 1, done do
                  local minute = minutes[i]
                  views[i] = {
                    minute,
                    redis.call('ZSCORE', 'changes', minute),
                    sums('metric:', minute),
                    sums('transfers:', minute),
                    standing(accounts, minute)
                  }
                end
                return {
                  state[1], state[2], redis.call('TIME')[1], shards,
                  hashes, views
                }
                """)

    /// Sets sums to the totals of their shards, unless the store has changed since the survey.
    ///
    /// ARGV: 1 an id for a store that has none; 2 the expected id and version (`false` if absent);
    /// 3 key, value and expiry repeatedly; 4 keys to remove; 5 minutes to list as changed; 6 region
    /// and field alternately of the watermarks to drop; 7 minutes to remove from the list; 8
    /// generation and digest that the topology must have if there is one, or none. Returns the
    /// number of watermarks dropped.
    static let repair = RedisScript(
        name: "repair",
        source: ScriptParts.list + """
            local expected = cmsgpack.unpack(ARGV[2])
            local state = redis.call('HMGET', 'store', 'id', 'version')
            if state[1] ~= expected[1] or state[2] ~= expected[2] then return {'conflict'} end
            local topology = cmsgpack.unpack(ARGV[8])
            local found = redis.call('HMGET', 'topology', 'generation', 'digest')
            if #topology > 0 and found[1]
              and (found[1] ~= topology[1] or found[2] ~= topology[2])
            then
              return {'topology'}
            end
            local gone = cmsgpack.unpack(ARGV[4])
            for i = 1, #gone do redis.call('DEL', gone[i]) end
            local sums = cmsgpack.unpack(ARGV[3])
            for i = 1, #sums, 3 do
              redis.call('SET', sums[i], sums[i + 1])
              redis.call('EXPIREAT', sums[i], sums[i + 2])
            end
            list(ARGV[1], cmsgpack.unpack(ARGV[5]))
            unlist(cmsgpack.unpack(ARGV[7]))
            local dropped = 0
            local shards = cmsgpack.unpack(ARGV[6])
            for i = 1, #shards, 2 do
              dropped = dropped + redis.call('HDEL', 'watermark:' .. shards[i], shards[i + 1])
            end
            return {'written', dropped}
            """)

    /// Removes minutes from the list of changes. ARGV: 1 the minutes. Returns 1 if the list had
    /// lost none of its members, 0 if it may have.
    static let prune = RedisScript(
        name: "prune",
        source: ScriptParts.list + """
            local whole = isWhole()
            unlist(cmsgpack.unpack(ARGV[1]))
            return whole and 1 or 0
            """)

    /// Marks the list of changes as complete.
    static let settle = RedisScript(name: "settle", source: ScriptParts.list + "settle()")

    /// Counts the keys of each minute.
    ///
    /// ARGV: 1 the regions; 2 the minutes; 3 all currency codes. Returns the store's id, the
    /// seconds of Redis's clock, and per minute: its version in `changes` or `false`, the number of
    /// its published sums and of its counts, the number of hashes of each region, and the number of
    /// keys of late and missed money.
    static let presence = RedisScript(
        name: "presence",
        source: ScriptParts.shards + ScriptParts.accounts + """
            local regions = cmsgpack.unpack(ARGV[1])
            local minutes = cmsgpack.unpack(ARGV[2])
            local codes = cmsgpack.unpack(ARGV[3])
            local prefixes, shards = {}, {}
            for r, region in ipairs(regions) do
              prefixes[r] = {}
              shards[r] = shardsOf(region)
              for s, field in ipairs(shards[r]) do
                prefixes[r][s] = 'shard:' .. region .. ':' .. string.gsub(field, '/', ':') .. ':'
              end
            end
            local metrics, transfers = {}, {}
            for i, code in ipairs(codes) do
              metrics[i] = 'metric:' .. code .. ':'
              transfers[i] = 'transfers:' .. code .. ':'
            end
            local accounts = accountsOf(regions, shards)
            local answer = {redis.call('HGET', 'store', 'id'), redis.call('TIME')[1]}
            for _, minute in ipairs(minutes) do
              local hashes = {}
              for r = 1, #regions do hashes[r] = standing(prefixes[r], minute) end
              answer[#answer + 1] = {
                redis.call('ZSCORE', 'changes', minute),
                standing(metrics, minute),
                standing(transfers, minute),
                hashes,
                standing(accounts, minute)
              }
            end
            return answer
            """)
}
