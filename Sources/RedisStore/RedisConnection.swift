internal import CHiredis
import Glibc

/// One connection to Redis. One thread owns and uses it, because a hiredis context is not
/// thread-safe. After any error except `server` it is dead and must be dropped.
final class RedisConnection {
    private let context: UnsafeMutablePointer<redisContext>

    /// Connects, and sends the password if there is one.
    init(configuration: RedisStoreConfiguration) throws(RedisStoreError) {
        let doing = "connecting to the store"
        guard configuration.endpoint.isLocal else {
            throw RedisStoreError(.configuration, doing: doing)
        }
        let timeout = timeval(configuration.connectTimeout)
        let made: UnsafeMutablePointer<redisContext>?
        switch configuration.endpoint {
        case .unixSocket(let path):
            made = redisConnectUnixWithTimeout(path, timeout)
        case .tcp(let host, let port):
            // hiredis would ask the resolver; we fix the meaning of `localhost`.
            let address = host == "localhost" ? "127.0.0.1" : host
            made = redisConnectWithTimeout(address, Int32(clamping: port), timeout)
        }
        guard let made else { throw RedisStoreError(.unavailable, doing: doing) }
        context = made
        guard made.pointee.err == 0,
            redisSetTimeout(made, timeval(configuration.commandTimeout)) == REDIS_OK
        else { throw RedisStoreError(.unavailable, doing: doing) }
        if let password = configuration.password {
            try send(RedisCommand("AUTH", password), doing: doing) { _ in }
        }
    }

    deinit { redisFree(context) }

    /// Sends one command and passes its reply to `read`.
    ///
    /// - Throws: `server` if Redis answers with an error; `timedOut` or `connectionLost` if the
    ///   connection is dead and a write's outcome unknown; errors of `read`.
    func send<Answer>(
        _ command: borrowing RedisCommand, prefix: [String] = [], doing: String,
        read: (ReplyView) throws(RedisStoreError) -> Answer
    ) throws(RedisStoreError) -> Answer {
        let appended = command.withFrame(prefix: prefix) { first, second in
            append(first) && append(second)
        }
        guard appended else { throw RedisStoreError(.connectionLost, doing: doing) }
        var raw: UnsafeMutableRawPointer?
        errno = 0
        let status = redisGetReply(context, &raw)
        let failure = errno
        guard status == REDIS_OK, let raw else {
            let isTimeout =
                context.pointee.err == REDIS_ERR_IO && (failure == EAGAIN || failure == EWOULDBLOCK)
            throw RedisStoreError(isTimeout ? .timedOut : .connectionLost, doing: doing)
        }
        defer { freeReplyObject(raw) }
        let reply = ReplyView(UnsafePointer(raw.assumingMemoryBound(to: redisReply.self)))
        if reply.isError {
            let word = String(decoding: reply.bytes.prefix { $0 != 0x20 }, as: UTF8.self)
            throw RedisStoreError(.server(word), doing: doing)
        }
        return try read(reply)
    }

    private func append(_ piece: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = piece.baseAddress, !piece.isEmpty else { return true }
        return start.withMemoryRebound(to: CChar.self, capacity: piece.count) {
            redisAppendFormattedCommand(context, $0, piece.count)
        } == REDIS_OK
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
