import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Platform

/// What a store's checks remember between two runs.
struct VerificationMemory {
    /// HQ's clock at the last comparison of all sums, and the connection it ran on.
    var lastComparison: UnixTime?
    var comparedOn = 0
    var census = KeyCensus()
}

/// The minutes to check, in rising order.
struct ListedMinutes: Sendable {
    var minutes: [Minute]
    /// True if the list of changes shows no sign of lost members.
    var isWhole: Bool
}

extension StoreConversation {
    /// Removes expired minutes from the list of changes. Returns the listed minutes and every other
    /// minute that Redis retains, because the list may have lost some.
    mutating func pruneChanges(deadline: Deadline) throws(RedisStoreError) -> ListedMinutes {
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
        var isWhole = true
        repeat {
            var command = RedisCommand()
            command.append(Self.packed(Array(gone.prefix(ScriptLimits.membersPerRemoval))))
            gone.removeFirst(min(gone.count, ScriptLimits.membersPerRemoval))
            if try run(.prune, command, deadline: deadline, doing: doing, read: { $0.integer }) != 1
            {
                isWhole = false
            }
        } while !gone.isEmpty
        verification.census.keepOnly { StoreRetention.expiry(of: $0) > now }
        let present = UnixTime(seconds: now).minute
        let retained =
            present.advanced(
                by: -StoreRetention.retainedBefore)...present.advanced(
                by: StoreRetention.countedAhead)
        return ListedMinutes(minutes: Set(left).union(retained).sorted(), isWhole: isWhole)
    }

    /// Marks the list of changes as complete after a repair, which ends the full reads.
    mutating func settleChanges(deadline: Deadline) throws(RedisStoreError) {
        try run(.settle, RedisCommand(), deadline: deadline, doing: "settling the list") { _ in }
    }

    /// True if all sums must be compared now: at intervals, and on each new connection.
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

    /// The minutes that may have lost keys.
    mutating func keyLosses(
        of minutes: [Minute], deadline: Deadline
    ) throws(RedisStoreError) -> [Minute: KeyCensus.Loss] {
        var command = RedisCommand()
        command.append(Self.packed(configuration.regions.map(\.name)))
        command.append(Self.packed(minutes.map { String($0.number) }))
        command.append(Self.packed(Self.codes))
        let doing = "counting the keys of minutes"
        var storeID: String?
        var counts: [Minute: KeyCensus.Count] = [:]
        try runReading(.presence, command, deadline: deadline, doing: doing) {
            (reply) throws(RedisStoreError) -> Void in
            let answer = try reply.array(atLeast: minutes.count + 2, doing: doing)
            storeID = answer[0].text
            guard let seconds = BucketText.number(answer[1].bytes) else {
                throw RedisStoreError(.unexpectedReply, doing: doing)
            }
            for (index, minute) in minutes.enumerated() {
                let view = try answer[index + 2].array(atLeast: 5, doing: doing)
                guard StoreRetention.expiry(of: minute) > seconds else { continue }
                counts[minute] = KeyCensus.Count(
                    version: BucketText.number(view[0].bytes),
                    hashes: (0..<view[3].count).map { view[3][$0].integer ?? 0 },
                    published: view[1].integer ?? 0, transfers: view[2].integer ?? 0,
                    accounts: view[4].integer ?? 0)
            }
        }
        return verification.census.take(counts, storeID: storeID)
    }

    /// Removes the watermarks of a region, or of one partition of all its logs that are still read.
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
