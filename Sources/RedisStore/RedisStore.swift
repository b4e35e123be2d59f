// RedisStore
