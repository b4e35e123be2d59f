package import CivilTime
package import DeltaProtocol
package import Federation
package import Identifiers
package import Logging
import Platform

/// HQ's global Redis: one connection on a dedicated thread. Several stores may share one Redis, in
/// one process or in many; operations of all of them may interleave safely.
///
/// All operations are safe from any task, wait in a bounded queue, take at most `operationTimeout`
/// plus one `commandTimeout`, and throw `RedisStoreError`. After a connection breaks, the next
/// operation reconnects, with growing delays while Redis is away.
package final class RedisStore: Sendable {
    private let thread: WorkerThread<StoreConversation>
    private let shared: SharedCounters
    private let topology: SharedTopology
    private let operationTimeout: Duration
    private let summedRegions: Set<RegionID>

    /// Starts the thread; connects with the first operation.
    /// - Throws: `configuration` for an endpoint that is not on this machine.
    package init(
        configuration: RedisStoreConfiguration, logger: Logger
    ) throws(RedisStoreError) {
        guard configuration.endpoint.isLocal else {
            throw RedisStoreError(.configuration, doing: "opening the store")
        }
        let shared = SharedCounters()
        self.shared = shared
        let topology = SharedTopology()
        self.topology = topology
        operationTimeout = configuration.operationTimeout
        summedRegions = Set(configuration.regions)
        do {
            thread = try WorkerThread(
                name: "redis-store", capacity: max(1, configuration.waitingOperations)
            ) {
                StoreConversation(
                    configuration: configuration, counters: shared, topology: topology,
                    logger: logger)
            }
        } catch {
            throw RedisStoreError(.overloaded, doing: "starting the store's thread")
        }
    }

    /// Counts since the start.
    package var counters: RedisStoreCounters { shared.snapshot }

    /// True if the store's sums include the region's buckets.
    package func sums(_ region: RegionID) -> Bool { summedRegions.contains(region) }

    /// The partition counts of the region's logs, as the store recorded them at their first
    /// commits.
    package func partitions(of region: RegionID) -> [LogID: Int32] {
        topology.partitions(of: region)
    }

    /// Carries out a commit round and returns the reply to the request.
    ///
    /// For each committed shard it writes the buckets, the global sums, the version and the
    /// watermark, in this order, in one step of Redis. After a throw the outcome may be unknown;
    /// sending the same request again is always safe.
    ///
    /// - Parameters:
    ///   - now: HQ's clock.
    ///   - handle: passes an event to the round, together with the memory that rounds share. Runs
    ///     on the store's thread, so that no task waits for a round's decisions.
    package func carryOut(
        _ round: CommitRound, now: UnixTime,
        _ handle: @escaping @Sendable (inout CommitRound, CommitRound.Event) -> CommitRound.Action
    ) async throws -> DeltaReply {
        // One deadline for all steps up to the commits: a slow store must not hold a request for
        // minutes.
        let committing = Deadline(after: operationTimeout)
        var driven = try await perform("committing deltas", committing) { conversation, deadline in
            conversation.drive(round, .begun, now: now, deadline: deadline, handle)
        }
        noteCommits(of: driven.round)
        // Comparisons alternate with other operations.
        while true {
            let event: CommitRound.Event
            switch driven.action {
            case .answer(let reply): return reply
            case .giveUp:
                throw driven.failure ?? RedisStoreError(.unavailable, doing: "committing deltas")
            case .digest(let shard, let minutes):
                event = await attempt {
                    .digested(try await self.digest(of: shard, minutes: minutes))
                }
            case .repair, .read, .write:
                preconditionFailure("a round returned to its commits after they had ended")
            }
            driven.action = handle(&driven.round, event)
        }
    }

    private func attempt(
        _ step: () async throws -> CommitRound.Event
    ) async -> CommitRound.Event {
        do { return try await step() } catch { return .storeFailed }
    }

    private func noteCommits(of round: CommitRound) {
        shared.update { counters in
            counters.casRetries += round.retries
            for shard in round.decided {
                switch shard.outcome {
                case .committed: counters.commits += 1
                case .repeat: counters.repeats += 1
                case .behind: counters.behind += 1
                case .refused(let reason):
                    counters.refused += 1
                    if reason == .partitionCount { counters.partitionRefusals += 1 }
                }
            }
        }
    }

    /// HQ's state of the shards of a region, or of one partition of each of its logs, by log and
    /// partition. With values, each shard's buckets and late money are those at its watermark, read
    /// with it in one step.
    package func statuses(
        region: RegionID, partition: Int32? = nil, withValues: Bool, now: UnixTime
    ) async throws -> [ShardStatus] {
        try await perform("reading shards") { (conversation, deadline) throws(RedisStoreError) in
            try conversation.adoptTopologyOnce(now: now, deadline: deadline)
            return try conversation.statuses(
                region: region, partition: partition, withValues: withValues, now: now,
                deadline: deadline)
        }
    }

    /// The store's position, queried with one command: shows whether a refresh would find changes.
    /// If it fails, a refresh reports the error and reconnects.
    package func position() async throws -> StorePosition {
        try await perform("asking for the version") {
            (conversation, deadline) throws(RedisStoreError) in
            try conversation.position(deadline: deadline)
        }
    }

    /// The changes since `position`, as one consistent view.
    ///
    /// Everything if `position` is nil, of another database, ahead of this one, or from an earlier
    /// connection. Otherwise each changed minute is included for each region, even if it is now
    /// empty.
    package func refresh(
        since position: StorePosition?, regions: [RegionID]
    ) async throws -> StoreRefresh {
        try await perform("refreshing") { (conversation, deadline) throws(RedisStoreError) in
            try conversation.refresh(since: position, regions: regions, deadline: deadline)
        }
    }

    /// Removes the watermarks of a region, or of one partition of each of its logs that are still
    /// read: the region then sends those shards whole. Returns the number removed.
    package func dropWatermarks(region: RegionID, partition: Int32? = nil) async throws -> Int {
        try await perform("dropping watermarks") {
            (conversation, deadline) throws(RedisStoreError) in
            try conversation.dropWatermarks(
                region: region, partition: partition, deadline: deadline)
        }
    }

    /// The digest of a shard's buckets in some minutes at its watermark, read in one step; nil if
    /// there is no such shard, or if its hashes may hold part of a commit.
    package func digest(
        of shard: ShardID, minutes: ClosedRange<Minute>
    ) async throws -> StoredDigest? {
        try await perform("digesting a shard") { (conversation, deadline) throws(RedisStoreError) in
            try conversation.digest(of: shard, minutes: minutes, deadline: deadline)
        }
    }

    /// Makes a region refill all its shards after the loss of `minutes`. It first drops their
    /// watermarks, so that readers keep the values they had.
    package func refill(_ region: RegionID, minutes: [Minute]) async throws -> Maintenance {
        try await perform("comparing topologies") {
            (conversation, deadline) throws(RedisStoreError) in
            try conversation.checkTopology(deadline: deadline)
        }
        let dropped = try await dropWatermarks(region: region)
        var done = try await compare(minutes, cause: .refill)
        done.droppedWatermarks += dropped
        return done
    }

    /// Regions that have buckets in the store but are not configured, by name: no sum includes
    /// their money.
    package func foreignRegions(now: UnixTime) async throws -> [RegionID] {
        try await perform("looking for regions") {
            (conversation, deadline) throws(RedisStoreError) in
            try conversation.foreignRegions(now: now, deadline: deadline)
        }
    }

    /// The results of one round of maintenance.
    package struct Maintenance: Hashable, Sendable {
        /// Minutes whose sums were compared with their shards.
        package var verifiedMinutes = 0
        /// Keys of sums that were corrected.
        package var repairedKeys = 0
        package var droppedWatermarks = 0
    }

    /// Call it once a minute: it forgets expired minutes, repairs the effects of failed scripts,
    /// and checks that each retained minute still has its keys and is listed as changed. Every hour
    /// and after each reconnect it compares all sums with their shards.
    ///
    /// It consists of many short operations, so that commits and refreshes run in between.
    package func maintenance(now: UnixTime) async throws -> Maintenance {
        let (standing, isDue) = try await perform("maintaining the store") {
            (conversation, deadline) throws(RedisStoreError) in
            try conversation.adoptTopologyOnce(now: now, deadline: deadline)
            try conversation.repairSuspects(deadline: deadline)
            for region in conversation.configuration.regions {
                try conversation.removeReplacedLogs(of: region, now: now, deadline: deadline)
            }
            let standing = try conversation.pruneChanges(deadline: deadline)
            return (standing, conversation.isComparisonDue(now: now))
        }
        var doubtful: [Minute] = []
        if isDue {
            let retained = StoreRetention.near(now: now)
            doubtful = Set(standing.minutes).union(retained).sorted()
        }
        var losses: [Minute: KeyCensus.Loss] = [:]
        for chunk in Self.chunks(standing.minutes, of: ScriptLimits.minutesPerPresenceCheck) {
            let found = try await perform("counting the keys of minutes") {
                (conversation, deadline) throws(RedisStoreError) in
                try conversation.keyLosses(of: chunk, deadline: deadline)
            }
            losses.merge(found) { _, new in new }
            if !isDue { doubtful += found.keys }
        }
        let minutes = doubtful.sorted()
        let done = try await compare(minutes, cause: .verification(losses: losses))
        try await perform("maintaining the store") {
            (conversation, deadline) throws(RedisStoreError) in
            if !standing.isWhole { try conversation.settleChanges(deadline: deadline) }
            conversation.verification.census.wereCompared(minutes)
            if isDue { conversation.noteComparison(now: now) }
        }
        return done
    }

    /// Compares the sums of `minutes` with their shards and corrects differences. If sums exceed
    /// the shards, hashes have vanished: the watermarks of shards without a hash there are dropped.
    package func verify(_ minutes: [Minute]) async throws -> Maintenance {
        try await compare(minutes, cause: .verification(losses: [:]))
    }

    private func compare(
        _ minutes: [Minute], cause: StoreConversation.RepairCause
    ) async throws -> Maintenance {
        var done = Maintenance()
        for chunk in Self.chunks(minutes, of: ScriptLimits.minutesPerSurvey) {
            let result = try await perform("comparing sums with shards") {
                (conversation, deadline) throws(RedisStoreError) in
                try conversation.repair(chunk, cause: cause, deadline: deadline)
            }
            done.verifiedMinutes += result.minutes
            done.repairedKeys += result.keys
            done.droppedWatermarks += result.droppedWatermarks
            shared.update { $0.verifiedMinutes += result.minutes }
        }
        return done
    }

    /// Ends the thread and closes the connection. Waiting operations fail with `stopped`.
    package func stop() async { await thread.stop() }

    private static func chunks(_ minutes: [Minute], of size: Int) -> [[Minute]] {
        stride(from: 0, to: minutes.count, by: size).map {
            Array(minutes[$0..<min($0 + size, minutes.count)])
        }
    }

    /// - Parameter given: the latest time at which the operation may begin its last step; nil for
    ///   `operationTimeout` from now.
    private func perform<Answer: Sendable>(
        _ doing: String, _ given: Deadline? = nil,
        _ body:
            @escaping @Sendable (inout StoreConversation, Deadline) throws(RedisStoreError) ->
            Answer
    ) async throws -> Answer {
        let deadline = given ?? Deadline(after: operationTimeout)
        do {
            return try await thread.perform { conversation in
                try body(&conversation, deadline)
            }
        } catch let error as WorkerThreadError {
            throw RedisStoreError(error == .stopped ? .stopped : .overloaded, doing: doing)
        }
    }
}
