extension RedisScript {
    /// Writes the commits of one request, or nothing if one of them is based on an outdated
    /// reading.
    ///
    /// ARGV: 1 an id for a store that has none; 2 the region; 3 the shards, each as field, expected
    /// watermark, expected liveness, new watermark, new liveness (`false` for none), and the first
    /// words of its liveness if the script fails; 4 log and partition count alternately; 5
    /// generation and digest that the store's topology must have, or none; 6 the minutes to list as
    /// changed; from 7 on groups, each with a tag. For `hashes`: key, expiry, fields and values
    /// alternately, fields to remove. For `sums`: minute, expiry, (currency, published, transfers)
    /// repeatedly. For `missed`: key, expiry, (currency, settled, transfers) repeatedly, to be
    /// added.
    ///
    /// Redis does not roll back a script that fails midway. Watermarks therefore come last, so that
    /// partial writes are sent and written again. Until then the liveness text says `torn`, because
    /// no node may be seeded with values newer than their watermark, and the minutes are listed as
    /// changed, because the writer may be gone before it repairs them. If none of a minute's sums
    /// exists yet, one call sets them all, because each call costs Redis more than its work, which
    /// dominates the filling of a store. Otherwise a sum's expiry is set when the key is new, which
    /// shows by the sum being equal to the addition; a false match only sets the same expiry again.
    static let commit = RedisScript(
        name: "commit",
        source: ScriptParts.list + """
            local region = ARGV[2]
            local watermarks, liveness = 'watermark:' .. region, 'liveness:' .. region
            local shards = cmsgpack.unpack(ARGV[3])
            local counts = cmsgpack.unpack(ARGV[4])
            local topology = cmsgpack.unpack(ARGV[5])
            local minutes = cmsgpack.unpack(ARGV[6])
            if #topology > 0 then
              local found = redis.call('HMGET', 'topology', 'generation', 'digest')
              if found[1] ~= topology[1] or found[2] ~= topology[2] then return {'topology'} end
              for i = 1, #counts, 2 do
                local field = 'partitions:' .. region .. '/' .. counts[i]
                local count = redis.call('HGET', 'topology', field)
                if count and count ~= counts[i + 1] then return {'topology'} end
              end
            end
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

            local function addAll(minute, expiry, sums)
              local tail, texts = ':' .. minute, {}
              for j = 1, #sums, 3 do
                local at = #texts
                texts[at + 1], texts[at + 2] = 'metric:' .. sums[j] .. tail, sums[j + 1]
                texts[at + 3], texts[at + 4] = 'transfers:' .. sums[j] .. tail, sums[j + 2]
              end
              if redis.call('MSETNX', unpack(texts)) == 1 then
                for j = 1, #texts, 2 do redis.call('EXPIREAT', texts[j], expiry) end
              else
                for j = 1, #texts, 2 do add(texts[j], texts[j + 1], expiry) end
              end
            end

            local function put(key, field, text)
              if text then redis.call('HSET', key, field, text)
              else redis.call('HDEL', key, field) end
            end

            local function write()
              for a = 7, #ARGV do
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
                elseif group[1] == 'missed' then
                  local key, expiry, sums = group[2], group[3], group[4]
                  for j = 1, #sums, 3 do
                    -- HINCRBY fails instead of overflowing; the sum then keeps its value.
                    redis.pcall('HINCRBY', key, sums[j], sums[j + 1])
                    redis.pcall('HINCRBY', key, sums[j] .. ':transfers', sums[j + 2])
                  end
                  redis.call('EXPIREAT', key, expiry)
                else
                  for i = 2, #group do
                    addAll(unpack(group[i]))
                  end
                end
              end

              list(ARGV[1], minutes)

              for i = 1, #counts, 2 do
                redis.call('HSET', liveness, counts[i], counts[i + 1])
                if #topology > 0 then
                  local field = 'partitions:' .. region .. '/' .. counts[i]
                  redis.call('HSET', 'topology', field, counts[i + 1])
                end
              end
              for i = 1, #shards do put(liveness, shards[i][1], shards[i][5]) end
              for i = 1, #shards do put(watermarks, shards[i][1], shards[i][4]) end
            end

            if pcall(write) then return {'written'} end
            for i = 1, #shards do
              redis.call('HSET', liveness, shards[i][1], shards[i][6] .. ' ' .. ARGV[1])
            end
            pcall(list, ARGV[1], minutes)
            return {'failed'}
            """)
}
