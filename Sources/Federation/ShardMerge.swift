import CivilTime
package import DeltaProtocol
import Money
package import Topology

/// HQ's merge: what a delta does to what stands of its shard, as a pure function of both.
///
/// HQ reads the shard's texts and the minutes of `minutesToRead` in one atomic step, decides here,
/// and writes the commit only if the texts are still the ones read; else it reads again.
package enum ShardMerge {
    /// What must be read before `decide`.
    ///
    /// A delta of the whole shard needs every retained minute from its complete-from on, for what
    /// it does not name must go; any other needs the minutes that it names, and one that is refused
    /// whatever stands needs none. So each minute of the retention is read once at most.
    package static func minutesToRead(
        _ delta: ShardDelta, context: MergeContext
    ) -> MinutesToRead {
        let retention = context.retention
        guard refusal(of: delta, context: context) == nil else {
            return MinutesToRead(buckets: [], late: [])
        }
        guard delta.base != 0 else {
            let first = max(delta.completeFrom, retention.lowerBound)
            let all = first > retention.upperBound ? [] : Array(first...retention.upperBound)
            return MinutesToRead(buckets: all, late: all)
        }
        return MinutesToRead(
            buckets: minutes(of: delta.buckets, within: retention),
            late: minutes(of: delta.late, within: retention))
    }

    /// Whether each shard of a request is named there for the first time. A later delta of the
    /// same shard would be decided from what the first one is about to change; HQ refuses it.
    package static func isFirstOfItsShard(_ shards: [ShardDelta]) -> [Bool] {
        var seen: Set<ShardName> = []
        return shards.map { seen.insert(ShardName(log: $0.log, partition: $0.partition)).inserted }
    }

    /// HQ's decision on one delta.
    ///
    /// - Parameter reading: what stands, the minutes of `minutesToRead` included.
    package static func decide(
        _ delta: ShardDelta, reading: ShardReading, context: MergeContext
    ) -> ShardDecision {
        let stored = reading.watermark.flatMap { StoredShard(text: $0) }
        func answer(_ outcome: ShardOutcome) -> ShardDecision {
            ShardDecision(
                reply: ShardReply(
                    log: delta.log, partition: delta.partition, outcome: outcome,
                    watermark: stored?.watermark ?? 0, completeFrom: stored?.completeFrom))
        }

        if let reason = refusal(of: delta, context: context) { return answer(.refused(reason)) }
        guard let stored else {
            guard delta.base == 0 else { return answer(.behind) }
            return commit(delta, over: nil, takesBuckets: true, reading: reading, context: context)
        }
        if let reason = refusal(of: context.foldVersion, over: stored) {
            return answer(.refused(reason))
        }
        // Before what a newer fold version needs: its node may still be on its way there.
        if delta.coverage < stored.watermark { return answer(.repeat) }
        if stored.foldVersion.isOlder(than: context.foldVersion), delta.base != 0 {
            return answer(.refused(.foldVersionNeedsBaseZero))
        }
        if delta.base > stored.watermark { return answer(.behind) }
        guard delta.coverage == stored.watermark else {
            return commit(
                delta, over: stored, takesBuckets: true, reading: reading, context: context)
        }
        if let theirs = delta.fingerprint, let ours = stored.fingerprint, theirs != ours {
            return answer(.refused(.fingerprint))
        }
        // At an equal coverage both hold the same values, unless the node's rules are newer or it
        // knows minutes in full that HQ does not.
        let knowsMore =
            delta.base == 0
            && (delta.completeFrom < stored.completeFrom
                || stored.foldVersion.isOlder(than: context.foldVersion))
        return commit(
            delta, over: stored, takesBuckets: knowsMore, reading: reading, context: context)
    }

    /// Why `delta` is refused whatever stands; nil where that decides.
    private static func refusal(of delta: ShardDelta, context: MergeContext) -> RefusalReason? {
        guard context.knows(delta.log, partition: delta.partition) else { return .unknownLog }
        return DeltaValidation.refusal(of: delta)
    }

    /// Why a state of this fold version may not change the stored one; nil where it may.
    private static func refusal(
        of foldVersion: FoldVersion, over stored: StoredShard
    ) -> RefusalReason? {
        if foldVersion.isOlder(than: stored.foldVersion) { return .foldVersionOlder }
        if stored.foldVersion.isOlder(than: foldVersion) { return nil }
        return foldVersion.digest == stored.foldVersion.digest ? nil : .foldVersionConflict
    }

    /// Takes out what stands of a shard whose log was replaced: all of `reading`, and both texts.
    package static func removal(of shard: ShardID, reading: ShardReading) -> ShardCommit {
        ShardCommit(
            shard: shard, expectedWatermark: reading.watermark,
            expectedLiveness: reading.liveness, watermark: nil, liveness: nil,
            changes: reading.buckets.map { bucket in
                BucketChange(
                    minute: bucket.minute, currency: bucket.currency, value: .zero,
                    published: -bucket.value.published, transfers: -bucket.value.transfers)
            },
            late: reading.late.map {
                Bucket(minute: $0.minute, currency: $0.currency, value: .zero)
            })
    }

    private static func commit(
        _ delta: ShardDelta, over stored: StoredShard?, takesBuckets: Bool, reading: ShardReading,
        context: MergeContext
    ) -> ShardDecision {
        let next = next(delta, over: stored, takesBuckets: takesBuckets, context: context)
        var reply = ShardReply(
            log: delta.log, partition: delta.partition, outcome: .committed,
            watermark: next.watermark, completeFrom: next.completeFrom)
        let previous = stored == nil ? nil : reading.liveness.flatMap { ShardLiveness(text: $0) }
        let liveness = ShardLiveness(
            delta: delta, node: context.node, now: context.now, previous: previous)
        var commit = ShardCommit(
            shard: ShardID(region: context.region, log: delta.log, partition: delta.partition),
            expectedWatermark: reading.watermark, expectedLiveness: reading.liveness,
            watermark: next.text, liveness: liveness.text)
        guard takesBuckets else { return ShardDecision(reply: reply, commit: commit) }

        let scope = BucketMerge.Scope(
            retention: context.retention, completeFrom: delta.completeFrom,
            isWhole: delta.base == 0)
        var buckets = BucketMerge(scope: scope)
        var late = BucketMerge(scope: scope)
        guard buckets.merge(delta.buckets, over: reading.buckets),
            late.merge(delta.late, over: reading.late)
        else {
            reply.outcome = .refused(.overflow)
            reply.watermark = stored?.watermark ?? 0
            reply.completeFrom = stored?.completeFrom
            return ShardDecision(reply: reply)
        }
        commit.changes = buckets.changes
        commit.late = late.changes.map {
            Bucket(minute: $0.minute, currency: $0.currency, value: $0.value)
        }
        commit.ignoredBuckets = buckets.ignored + late.ignored
        return ShardDecision(reply: reply, commit: commit)
    }

    /// What HQ stands at after the commit.
    private static func next(
        _ delta: ShardDelta, over stored: StoredShard?, takesBuckets: Bool, context: MergeContext
    ) -> StoredShard {
        if var stored, !takesBuckets {
            stored.fingerprint = stored.fingerprint ?? delta.fingerprint
            return stored
        }
        var completeFrom = delta.completeFrom
        if delta.base != 0, let stored {
            // Minutes before the node's complete-from are not kept up to date any more, those
            // before HQ's own never were.
            completeFrom = max(completeFrom, stored.completeFrom)
        }
        return StoredShard(
            watermark: delta.coverage, completeFrom: completeFrom,
            foldVersion: context.foldVersion, fingerprint: delta.fingerprint)
    }

    /// The minutes of buckets in order, each once.
    private static func minutes(
        of buckets: [Bucket], within retention: ClosedRange<Minute>
    ) -> [Minute] {
        var minutes: [Minute] = []
        for bucket in buckets
        where minutes.last != bucket.minute && retention.contains(bucket.minute) {
            minutes.append(bucket.minute)
        }
        return minutes
    }

    private struct ShardName: Hashable {
        var log: LogID
        var partition: Int32
    }
}
