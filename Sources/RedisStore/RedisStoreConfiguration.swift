package import Federation
package import Identifiers

/// The connection settings and bounds of a `RedisStore`.
///
/// Redis is expected to run with `appendonly yes`, so that a restart loses at most its last second
/// (regions send lost data again), and with `maxmemory-policy noeviction`: with eviction enabled,
/// lost keys are repaired, but totals keep going wrong, so HQ raises an alarm and degrades the
/// answer.
package struct RedisStoreConfiguration: Sendable {
    /// Where Redis listens.
    package enum Endpoint: Hashable, Sendable {
        case unixSocket(path: String)
        /// A loopback address or `localhost`: the connection is not encrypted.
        case tcp(host: String, port: Int)
    }

    package var endpoint: Endpoint
    /// If set, sent with AUTH on each connection; never printed.
    package var password: String?
    /// All regions whose buckets the global sums count, retired ones included.
    package var regions: [RegionID]
    /// The logs that count. If the store holds a later generation, this HQ writes nothing; if it
    /// holds an earlier one, this HQ replaces it. Nil neither reads nor writes a topology.
    package var topology: StoreTopology?
    /// Logs whose buckets count but that are no longer read, so that no node can refill them: their
    /// watermarks are dropped only with a part of the shard that is known to be lost.
    package var earlierLogs: [RegionID: Set<LogID>] = [:]
    /// For connecting, and for Redis to accept the password.
    package var connectTimeout: Duration = .seconds(2)
    /// The longest wait for Redis within one command.
    package var commandTimeout: Duration = .seconds(5)
    /// One operation as a whole, including its wait for the thread.
    package var operationTimeout: Duration = .seconds(15)
    /// The wait after the first failed attempt to connect; it doubles up to `reconnectDelayMax`,
    /// and each wait is shortened by up to a half at random.
    package var reconnectDelayMin: Duration = .milliseconds(50)
    package var reconnectDelayMax: Duration = .seconds(2)
    /// Maximum number of operations waiting for the thread; further ones fail with `overloaded`.
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
    /// True if the shard's log is still read, so that the shard can be refilled.
    func isRead(_ shard: ShardID) -> Bool {
        !(earlierLogs[shard.region]?.contains(shard.log) ?? false)
    }
}

extension RedisStoreConfiguration.Endpoint {
    /// True if traffic to the endpoint stays on this machine.
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

/// Bounds of single scripts, so that none blocks Redis for long.
enum ScriptLimits {
    /// Maximum bytes of one packed argument.
    static let packedArgumentBytes = 1 << 20
    /// Maximum number of hash fields that one script reads, and of hashes that it looks up, unless
    /// a single minute has more: at a microsecond each, commits wait 30 ms for Redis. One script
    /// thus reads a shard that has hardly any data. A round trip per few minutes would, on a busy
    /// machine, take longer than a region may be silent.
    static let fieldsPerScript = 30_000
    /// Attempts to read a shard in several steps while others write it.
    static let readAttempts = 16
    /// How many of them use several short scripts.
    static let shortReadAttempts = 8
    /// Maximum minutes that one step of a full view requests.
    static let minutesPerRefresh = 1_024
    /// Rounds in which a refresh tries to catch up with a store that keeps changing.
    static let refreshRounds = 8
    /// Maximum connections that one refresh may lose before it gives up.
    static let refreshConnections = 3
    /// Maximum minutes in one comparison of sums with shards.
    static let minutesPerSurvey = 20
    /// Attempts of one repair against commits that happen meanwhile.
    static let repairAttempts = 16
    /// Maximum minutes whose keys one presence check counts.
    static let minutesPerPresenceCheck = 50
    /// Maximum keys that one step of a scan examines.
    static let keysPerScan = 10_000
    /// How often Redis's eviction policy is queried again.
    static let evictionLookInterval = Duration.seconds(60)
    /// How often a reader checks whether Redis has become a replica.
    static let roleLookInterval = Duration.seconds(5)
    /// Attempts to write a topology while other HQs write it too.
    static let topologyAttempts = 8
    /// Maximum members in one removal from the list of changes.
    static let membersPerRemoval = 1_000
}
