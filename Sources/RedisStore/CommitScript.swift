extension RedisScript {
    /// Writes the commits of one request, or nothing where one of them rests on an old reading.
    ///
    /// ARGV: 1 an id for a store that has none; 2 the region; 3 the shards, each as field,
    /// expected watermark, expected liveness, new watermark, new liveness (`false` for none);
    /// 4 log and partition count in turns; from 5 on groups, each a tag and then
    /// for `hashes`: key, expiry, fields with values in turns, fields to remove;
    /// for `sums`: minute, expiry, (currency, published, transfers) in turns.
    ///
    /// A script that fails midway is not rolled back: watermarks come last, so that what was
    /// written in part is sent and written again. Until then the liveness text says `torn`, for
    /// nobody may be seeded with values that are newer than their watermark, and the minutes are
    /// listed as changed, for the writer may be gone before it repairs them. A sum's expiry is set
    /// when the key is new, which shows by the sum being what was added; a false match only sets
    /// the same expiry again.
    static let commit = RedisScript(
        name: "commit",
        source: """
            local region = ARGV[2]
            local watermarks, liveness = 'watermark:' .. region, 'liveness:' .. region
            local shards = cmsgpack.unpack(ARGV[3])
            for i = 1, #shards do
              local s = shards[i]
              if redis.call('HGET', watermarks, s[1]) ~= s[2]
                or redis.call('HGET', liveness, s[1]) ~= s[3] then
                return {'conflict'}
              end
            end

            local function add(key, difference, expiry)
              if redis.call('INCRBY', key, difference) == tonumber(difference) then
                redis.call('EXPIREAT', key, expiry)
              end
            end

            local function put(key, field, text)
              if text then redis.call('HSET', key, field, text)
              else redis.call('HDEL', key, field) end
            end

            local function list(minutes)
              redis.call('HSETNX', 'store', 'id', ARGV[1])
              redis.call('HINCRBY', 'store', 'version', 1)
              local version = redis.call('HGET', 'store', 'version')
              for i = 1, #minutes do redis.call('ZADD', 'changes', version, minutes[i]) end
            end

            local function write()
              local minutes = {}
              for a = 5, #ARGV do
                local group = cmsgpack.unpack(ARGV[a])
                if group[1] == 'hashes' then
                  for i = 2, #group do
                    local key, expiry, values, gone = unpack(group[i])
                    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
                    if #values > 0 then
                      redis.call('HSET', key, unpack(values))
                      redis.call('EXPIREAT', key, expiry)
                    end
                  end
                else
                  for i = 2, #group do
                    local minute, expiry, sums = unpack(group[i])
                    local tail = ':' .. minute
                    for j = 1, #sums, 3 do
                      add('metric:' .. sums[j] .. tail, sums[j + 1], expiry)
                      add('transfers:' .. sums[j] .. tail, sums[j + 2], expiry)
                    end
                    minutes[#minutes + 1] = minute
                  end
                end
              end

              list(minutes)

              local counts = cmsgpack.unpack(ARGV[4])
              for i = 1, #counts, 2 do redis.call('HSET', liveness, counts[i], counts[i + 1]) end
              for i = 1, #shards do put(liveness, shards[i][1], shards[i][5]) end
              for i = 1, #shards do put(watermarks, shards[i][1], shards[i][4]) end
            end

            if pcall(write) then return {'written'} end
            local torn = 'torn ' .. ARGV[1]
            for i = 1, #shards do redis.call('HSET', liveness, shards[i][1], torn) end
            pcall(function()
              local minutes = {}
              for a = 5, #ARGV do
                local group = cmsgpack.unpack(ARGV[a])
                for i = 2, #group do
                  if group[1] == 'sums' then minutes[#minutes + 1] = group[i][1] end
                end
              end
              list(minutes)
            end)
            return {'failed'}
            """)
}
