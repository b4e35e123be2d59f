package import Federation
package import Identifiers

/// How a `RedisStore` reaches its Redis, and its bounds.
///
/// The Redis is expected to run with `appendonly yes`, so that a restart loses at most its last
/// second (what is lost, regions send again), and with `maxmemory-policy noeviction`: with eviction
/// enabled, lost keys are repaired, but totals keep going wrong, so that is an alarm and a label.
package struct RedisStoreConfiguration: Sendable {
    /// Where Redis listens.
    package enum Endpoint: Hashable, Sendable {
        case unixSocket(path: String)
        /// A loopback address or `localhost`: the connection is not encrypted.
        case tcp(host: String, port: Int)
    }

    package var endpoint: Endpoint
    /// Sent with AUTH on each connection where it is set; never printed.
    package var password: String?
    /// All regions whose buckets the global sums count, retired ones included.
    package var regions: [RegionID]
    /// Which logs count. Where the store holds a later generation, this HQ writes nothing; where it
    /// holds an earlier one, it is replaced. Nil neither reads nor writes one.
    package var topology: StoreTopology?
    /// Logs whose buckets count and that nobody reads any more, so nobody could fill them anew:
    /// a watermark of theirs goes only with a part of its shard that is known to be lost.
    package var earlierLogs: [RegionID: Set<LogID>] = [:]
    /// To connect, and for Redis to accept the password.
    package var connectTimeout: Duration = .seconds(2)
    /// The longest silence of Redis within one command.
    package var commandTimeout: Duration = .seconds(5)
    /// One operation as a whole, its wait for the thread included.
    package var operationTimeout: Duration = .seconds(15)
    /// The wait after the first failed attempt to connect; it doubles up to `reconnectDelayMax`,
    /// and each wait is shortened by up to a half at random.
    package var reconnectDelayMin: Duration = .milliseconds(50)
    package var reconnectDelayMax: Duration = .seconds(2)
    /// Operations that may wait for the thread; more are refused as `overloaded`.
    package var waitingOperations = 256
    /// How often all sums are compared with their shards.
    package var verificationInterval: Duration = .seconds(3_600)

    package init(endpoint: Endpoint, password: String? = nil, regions: [RegionID]) {
        self.endpoint = endpoint
        self.password = password
        self.regions = regions.sorted()
    }
}

extension RedisStoreConfiguration {
    /// Whether somebody reads the shard's log, so that it can be filled anew.
    func isRead(_ shard: ShardID) -> Bool {
        !(earlierLogs[shard.region]?.contains(shard.log) ?? false)
    }
}

extension RedisStoreConfiguration.Endpoint {
    /// Whether what is sent there stays on this machine.
    package var isLocal: Bool {
        switch self {
        case .unixSocket: return true
        case .tcp(let host, _):
            if host == "localhost" || host == "::1" { return true }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127"
                && parts.allSatisfy { part in
                    part.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8(part) != nil
                }
        }
    }
}

/// Bounds of single scripts, so that none holds Redis for long.
enum ScriptLimits {
    /// Bytes of one packed argument, after which the next begins.
    static let packedArgumentBytes = 1 << 20
    /// Fields of hashes that one script reads, and hashes that it looks for, unless a single minute
    /// has more: at a microsecond each, 30 ms of a Redis that commits wait for. A shard that has
    /// hardly anything is thus read by one script: its many minutes must not cost a way to Redis
    /// for each few of them, which on a busy machine takes longer than the silence of a region may.
    static let fieldsPerScript = 30_000
    /// Attempts to read a shard in several steps while others write it.
    static let readAttempts = 16
    /// How many of them take several short scripts.
    static let shortReadAttempts = 8
    /// Minutes that one step of a full view asks for.
    static let minutesPerRefresh = 1_024
    /// Rounds in which a refresh tries to catch up with a store that keeps changing.
    static let refreshRounds = 8
    /// Connections that one refresh may lose before it gives up.
    static let refreshConnections = 3
    /// Minutes that one comparison of sums with shards reads.
    static let minutesPerSurvey = 20
    /// Attempts of one repair against commits that happen meanwhile.
    static let repairAttempts = 16
    /// Minutes whose keys one presence check counts.
    static let minutesPerPresenceCheck = 50
    /// Keys that one step of a scan looks at.
    static let keysPerScan = 10_000
    /// How often Redis is asked again what it does when its memory is full.
    static let evictionLookInterval = Duration.seconds(60)
    /// How often a reader asks whether Redis has become a replica.
    static let roleLookInterval = Duration.seconds(5)
    /// Attempts to write a topology that others write too.
    static let topologyAttempts = 8
    /// Members that one removal from the list of changes names.
    static let membersPerRemoval = 1_000
}
