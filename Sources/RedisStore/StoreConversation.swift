import CivilTime
import Federation
import Identifiers
import Logging
import Money
import Platform

/// The thread's side of the store: the connection and its state. All functions block and run only
/// on the store's own thread.
struct StoreConversation: ~Copyable {
    let configuration: RedisStoreConfiguration
    let counters: SharedCounters
    let shared: SharedTopology
    let logger: Logger

    /// The minutes that failed scripts may have left wrong.
    var suspects = SuspectMinutes()
    /// Late money to remove before its shard is retried.
    var lateDamage: Set<DamagedLate> = []
    /// The number of connections so far.
    private(set) var connectionNumber = 0
    /// The connection of the last complete refresh. On a new connection, a refresh reads
    /// everything.
    var refreshedOn = 0
    /// Nil without a topology.
    var adoption: TopologyAdoption?
    /// The connection on which the newer topology of the store was last logged.
    var toldOldOn = 0
    var verification = VerificationMemory()

    /// True if Redis last reported that it may evict keys, and when it was queried.
    private(set) var mayEvict = false
    private var evictionLookedAt: ContinuousClock.Instant?
    private var roleLookedAt = ContinuousClock.now

    private var connection: RedisConnection?
    private var delay: ReconnectDelay
    /// The digests under which Redis caches the scripts.
    private var digests: [RedisScript: String] = [:]

    init(
        configuration: RedisStoreConfiguration, counters: SharedCounters, topology: SharedTopology,
        logger: Logger
    ) {
        self.configuration = configuration
        self.counters = counters
        shared = topology
        self.logger = logger
        adoption = configuration.topology.map { TopologyAdoption($0) }
        delay = ReconnectDelay(
            least: configuration.reconnectDelayMin, most: configuration.reconnectDelayMax)
    }

    /// Sends a plain command.
    mutating func send<Answer>(
        _ command: borrowing RedisCommand, deadline: Deadline, doing: String,
        read: (ReplyView) throws(RedisStoreError) -> Answer
    ) throws(RedisStoreError) -> Answer {
        try exchange(command, prefix: [], deadline: deadline, doing: doing, read: read)
    }

    /// Runs a script. Redis forgets scripts when it restarts; a missing script is loaded again,
    /// which is safe because it has done nothing.
    mutating func run<Answer>(
        _ script: RedisScript, _ arguments: borrowing RedisCommand, deadline: Deadline,
        doing: String, read: (ReplyView) throws(RedisStoreError) -> Answer
    ) throws(RedisStoreError) -> Answer {
        if let digest = digests[script] {
            do {
                return try exchange(
                    arguments, prefix: ["EVALSHA", digest, "0"], deadline: deadline, doing: doing,
                    read: read)
            } catch  where error.code == .server("NOSCRIPT") {
                digests[script] = nil
            }
        }
        let digest = try load(script, deadline: deadline)
        return try exchange(
            arguments, prefix: ["EVALSHA", digest, "0"], deadline: deadline, doing: doing,
            read: read)
    }

    /// Like `run`, for a script that only reads: reconnects once if Redis closed the idle
    /// connection.
    mutating func runReading<Answer>(
        _ script: RedisScript, _ arguments: borrowing RedisCommand, deadline: Deadline,
        doing: String, read: (ReplyView) throws(RedisStoreError) -> Answer
    ) throws(RedisStoreError) -> Answer {
        do {
            return try run(script, arguments, deadline: deadline, doing: doing, read: read)
        } catch  where error.code == .connectionLost {
            return try run(script, arguments, deadline: deadline, doing: doing, read: read)
        }
    }

    private mutating func load(
        _ script: RedisScript, deadline: Deadline
    ) throws(RedisStoreError) -> String {
        let doing = "loading the script \(script.name)"
        let digest = try exchange(
            RedisCommand("SCRIPT", "LOAD", script.source), prefix: [], deadline: deadline,
            doing: doing
        ) { (reply) throws(RedisStoreError) -> String in
            guard let digest = reply.text else {
                throw RedisStoreError(.unexpectedReply, doing: doing)
            }
            return digest
        }
        digests[script] = digest
        counters.update { $0.scriptLoads += 1 }
        return digest
    }

    private mutating func exchange<Answer>(
        _ command: borrowing RedisCommand, prefix: [String], deadline: Deadline, doing: String,
        read: (ReplyView) throws(RedisStoreError) -> Answer
    ) throws(RedisStoreError) -> Answer {
        guard !deadline.hasPassed else { throw RedisStoreError(.overloaded, doing: doing) }
        let connection = try connected()
        counters.update { $0.commandsSent += 1 }
        do {
            return try connection.send(command, prefix: prefix, doing: doing, read: read)
        } catch {
            switch error.code {
            case .timedOut, .connectionLost:
                self.connection = nil
                logger.warning(
                    "lost the connection to the store", metadata: ["reason": "\(error)"])
            case .server("READONLY"):
                // A failover may have put the new master at the same address.
                leave(error)
            case .server("WRONGTYPE"), .server("ERR"): mend()
            default: break
            }
            throw error
        }
    }

    /// Removes unusable keys, and logs each.
    func mend() {
        guard let connection else { return }
        let removed = (try? removeForeignKeys(connection)) ?? []
        for key in removed {
            logger.error(
                "removed a key with unusable contents; its values will be rebuilt",
                metadata: ["key": "\(key)"])
        }
    }

    private mutating func leave(_ error: RedisStoreError) {
        connection = nil
        delay.extend()
        logger.error(
            "Redis is a replica and rejects writes; reconnecting to find the master",
            metadata: ["reason": "\(error)"])
    }

    /// Queries Redis's eviction policy. If Redis does not answer, `noeviction` is assumed.
    private mutating func lookAtEviction(_ connection: RedisConnection) {
        evictionLookedAt = .now
        let doing = "asking for the eviction policy"
        let policy = try? connection.send(RedisCommand("INFO", "memory"), doing: doing) {
            $0.text.flatMap(Self.evictionPolicy)
        }
        guard let policy = policy ?? nil else { return }
        let before = mayEvict
        mayEvict = policy != "noeviction"
        guard mayEvict, !before else { return }
        counters.update { $0.evictionAlarms += 1 }
        logger.error(
            "Redis may evict keys, which loses money: set maxmemory-policy to noeviction",
            metadata: ["maxmemory_policy": "\(policy)"])
    }

    private static func evictionPolicy(_ memory: String) -> String? {
        let key = "maxmemory_policy:"
        return memory.split(whereSeparator: \.isNewline).first { $0.hasPrefix(key) }
            .map { String($0.dropFirst(key.count)) }
    }

    /// Repeats the check of the eviction policy once a minute, because an operator may change it,
    /// and checks every few seconds whether Redis has become a replica: reads from a replica
    /// succeed, so a reader would not notice.
    mutating func lookAtServerAgain() throws(RedisStoreError) {
        let connection = try connected()
        if .now - roleLookedAt > ScriptLimits.roleLookInterval {
            roleLookedAt = .now
            if Self.isReplica(connection) ?? false {
                let error = RedisStoreError(.server("READONLY"), doing: "looking at the role")
                leave(error)
                throw error
            }
        }
        guard let last = evictionLookedAt, .now - last > ScriptLimits.evictionLookInterval else {
            return
        }
        lookAtEviction(connection)
    }

    /// Connects if there is no connection.
    mutating func connect() throws(RedisStoreError) { _ = try connected() }

    private mutating func connected() throws(RedisStoreError) -> RedisConnection {
        if let connection { return connection }
        guard delay.isOver else {
            throw RedisStoreError(.unavailable, doing: "connecting to the store")
        }
        do throws(RedisStoreError) {
            let made = try RedisConnection(configuration: configuration)
            if Self.isReplica(made) ?? false {
                throw RedisStoreError(.server("READONLY"), doing: "connecting to the store")
            }
            roleLookedAt = .now
            connection = made
            connectionNumber += 1
            delay.reset()
            if connectionNumber > 1 { counters.update { $0.reconnects += 1 } }
            lookAtEviction(made)
            return made
        } catch {
            delay.extend()
            logger.warning("cannot connect to the store", metadata: ["reason": "\(error)"])
            throw error
        }
    }
}

/// How long to leave a Redis alone that refused a connection.
private struct ReconnectDelay {
    let least: Duration
    let most: Duration
    private var next: Duration
    private var end: ContinuousClock.Instant?

    init(least: Duration, most: Duration) {
        self.least = least
        self.most = most
        next = least
    }

    var isOver: Bool { end.map { .now >= $0 } ?? true }

    mutating func reset() {
        next = least
        end = nil
    }

    mutating func extend() {
        end = .now + next * Double.random(in: 0.5...1)
        next = min(next * 2, most)
    }
}

extension StoreConversation {
    /// An id for a store that has none: 128 random bits.
    static func randomID() -> String {
        let bits = UInt128.random(in: 0...UInt128.max)
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    /// The packed letters of all currencies, by index.
    static let letters: [UInt32] = Currency.all.map(\.packedCode)
    /// The codes of all currencies, by index.
    static let codes: [String] = Currency.all.map(\.code)
}
