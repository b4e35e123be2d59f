import CivilTime
import DeltaProtocol
import Federation
import Topology

/// What the checks of a store remember between two runs.
struct VerificationMemory {
    /// HQ's clock at the last comparison of all sums, and the connection it was made on.
    var lastComparison: UnixTime?
    var comparedOn = 0
    /// The database that `keys` was counted in.
    var storeID: String?
    var keys: [Minute: KeyCount] = [:]

    /// How many keys of a minute stood when it had changed last at `version`.
    struct KeyCount: Equatable {
        var version: String?
        /// By region's place.
        var hashes: [Int64]
        var published: Int64
        var transfers: Int64

        /// Whether keys must have vanished since `earlier`, or by themselves tell of a loss.
        func hasLost(since earlier: KeyCount?) -> Bool {
            if published != transfers || published == 0 { return true }
            guard let earlier, earlier.version == version else { return false }
            return regionsThatLost(since: earlier) != [] || published < earlier.published
        }

        /// The regions that had more hashes then; nil where the minute has changed since, or was
        /// not counted.
        func regionsThatLost(since earlier: KeyCount?) -> Set<Int>? {
            guard let earlier, earlier.version == version, earlier.hashes.count == hashes.count
            else { return nil }
            return Set(hashes.indices.filter { hashes[$0] < earlier.hashes[$0] })
        }
    }

    /// What a count of keys says of the minutes it was made of.
    struct KeyLosses {
        /// Minutes that may have lost keys.
        var doubtful: [Minute] = []
        /// The regions that lost hashes, by minute; see `RepairCause.verification`.
        var regions: [Minute: Set<Int>] = [:]
    }
}

extension StoreConversation {
    /// Takes minutes that have expired out of the list of changes. Answers the minutes left.
    mutating func pruneChanges(deadline: Deadline) throws(RedisStoreError) -> [Minute] {
        let doing = "pruning the list of changes"
        let now = try send(RedisCommand("TIME"), deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Int64 in
            guard reply.count == 2, let now = BucketText.number(reply[0].bytes) else {
                throw RedisStoreError(.unexpectedReply, doing: doing)
            }
            return now
        }
        let members = try send(
            RedisCommand("ZRANGE", StoreKeys.changes, "0", "-1"), deadline: deadline, doing: doing
        ) { $0.texts }
        var gone: [String] = []
        var left: [Minute] = []
        for member in members {
            if let number = Int32(member), StoreRetention.expiry(of: Minute(number)) > now {
                left.append(Minute(number))
            } else {
                gone.append(member)
            }
        }
        while !gone.isEmpty {
            var command = RedisCommand("ZREM", StoreKeys.changes)
            for member in gone.prefix(ScriptLimits.membersPerRemoval) { command.append(member) }
            gone.removeFirst(min(gone.count, ScriptLimits.membersPerRemoval))
            try send(command, deadline: deadline, doing: doing) { _ in }
        }
        let standing = Set(left)
        verification.keys = verification.keys.filter { standing.contains($0.key) }
        return left.sorted()
    }

    /// Whether all sums are to be compared now: at times, and on each new connection.
    mutating func isComparisonDue(now: UnixTime) -> Bool {
        guard let last = verification.lastComparison,
            verification.comparedOn == connectionNumber
        else { return true }
        let interval = configuration.verificationInterval.components.seconds * 1_000
        return now >= last + interval || now < last
    }

    mutating func noteComparison(now: UnixTime) {
        verification.lastComparison = now
        verification.comparedOn = connectionNumber
    }

    /// What some listed minutes have lost.
    mutating func keyLosses(
        of minutes: [Minute], deadline: Deadline
    ) throws(RedisStoreError) -> VerificationMemory.KeyLosses {
        var command = RedisCommand()
        command.append(Self.packed(configuration.regions.map(\.name)))
        command.append(Self.packed(minutes.map { String($0.number) }))
        command.append(Self.packed(Self.codes))
        let doing = "counting the keys of minutes"
        var storeID: String?
        var counts: [Minute: VerificationMemory.KeyCount] = [:]
        try runReading(.presence, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Void in
            let answer = try reply.array(atLeast: minutes.count + 2, doing: doing)
            storeID = answer[0].text
            guard let seconds = BucketText.number(answer[1].bytes) else {
                throw RedisStoreError(.unexpectedReply, doing: doing)
            }
            for (index, minute) in minutes.enumerated() {
                let view = try answer[index + 2].array(atLeast: 4, doing: doing)
                // Expired since it was listed, or removed from the list.
                guard StoreRetention.expiry(of: minute) > seconds, let version = view[0].text
                else { continue }
                counts[minute] = VerificationMemory.KeyCount(
                    version: version,
                    hashes: (0..<view[3].count).map { view[3][$0].integer ?? 0 },
                    published: view[1].integer ?? 0, transfers: view[2].integer ?? 0)
            }
        }
        if verification.storeID != storeID {
            verification.storeID = storeID
            verification.keys = [:]
        }
        var losses = VerificationMemory.KeyLosses()
        for (minute, count) in counts {
            let earlier = verification.keys[minute]
            losses.regions[minute] = count.regionsThatLost(since: earlier)
            if count.hasLost(since: earlier) {
                // The count before stays, so that a repair that fails is tried again.
                losses.doubtful.append(minute)
            } else {
                verification.keys[minute] = count
            }
        }
        return losses
    }

    /// Takes the watermarks of a region, or of one partition of all its logs that are read, out.
    mutating func dropWatermarks(
        region: RegionID, partition: Int32?, deadline: Deadline
    ) throws(RedisStoreError) -> Int {
        let doing = "dropping watermarks"
        let key = StoreKeys.watermarks(region)
        let fields = try send(RedisCommand("HKEYS", key), deadline: deadline, doing: doing) {
            $0.texts
        }
        let chosen = fields.filter { field in
            guard let shard = StoreKeys.shard(region, field: field) else { return partition == nil }
            return configuration.isRead(shard)
                && (partition == nil || shard.partition == partition)
        }
        guard !chosen.isEmpty else { return 0 }
        var command = RedisCommand("HDEL", key)
        for field in chosen { command.append(field) }
        let dropped = try send(command, deadline: deadline, doing: doing) { Int($0.integer ?? 0) }
        counters.update { $0.droppedWatermarks += dropped }
        return dropped
    }
}
