extension RedisScript {
    /// Replaces the topology if it is still the expected one.
    ///
    /// ARGV: 1 the expected generation and digest (`false` if there is none); 2 fields and values
    /// alternately.
    static let writeTopology = RedisScript(
        name: "writeTopology",
        source: """
            local expected = cmsgpack.unpack(ARGV[1])
            local found = redis.call('HMGET', 'topology', 'generation', 'digest')
            if found[1] ~= expected[1] or found[2] ~= expected[2] then return {'conflict'} end
            redis.call('DEL', 'topology')
            redis.call('HSET', 'topology', unpack(cmsgpack.unpack(ARGV[2])))
            return {'written'}
            """)
}
