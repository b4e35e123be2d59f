package import CivilTime
package import DeltaProtocol
package import Identifiers
import Money

/// HQ's merge: what a delta does to what stands of its shard, as a pure function of both.
///
/// HQ reads the shard's texts and the minutes of `minutesToRead` in one atomic step, decides here,
/// and writes the commit only if the texts are still the ones read; else it reads again.
package enum ShardMerge {
    /// What must be read before `decide`.
    ///
    /// A delta of the whole shard needs every retained minute that it could replace, since buckets
    /// it does not name become 0; any other needs the minutes that it names or heals. One that is
    /// refused in any case needs none.
    package static func minutesToRead(
        _ delta: ShardDelta, context: MergeContext
    ) -> MinutesToRead {
        let first = context.firstRetained
        guard refusal(of: delta, context: context) == nil else {
            return MinutesToRead(buckets: [], late: [])
        }
        var ranges: [ClosedRange<Minute>] = []
        var beyond: Minute?
        if delta.base == 0 {
            // HQ may turn out to have less than the seed.
            let from = max(delta.claims.valuesFrom, first)
            let last = context.now.minute.advanced(by: Limits.futureMinutes)
            if from <= last { ranges.append(from...last) }
            beyond = max(from, last.advanced(by: 1))
        } else if let replaced = delta.replaced, replaced.upperBound >= first {
            ranges.append(max(first, replaced.lowerBound)...replaced.upperBound)
        }
        return MinutesToRead(
            buckets: minutes(of: delta.buckets, from: first, and: ranges),
            late: minutes(of: delta.late, from: first, and: ranges), beyond: beyond)
    }

    /// Whether each shard of a request is named there for the first time. A later delta of the
    /// same shard would be decided from what the first one is about to change; HQ refuses it.
    package static func isFirstOfItsShard(_ shards: [ShardDelta]) -> [Bool] {
        var seen: Set<LogPartition> = []
        return shards.map { seen.insert(LogPartition(log: $0.log, partition: $0.partition)).inserted }
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
                    watermark: stored?.watermark ?? 0, claims: stored?.claims,
                    fingerprint: stored?.fingerprint))
        }

        if let reason = refusal(of: delta, context: context) { return answer(.refused(reason)) }
        guard let stored else {
            guard delta.base == 0 else { return answer(.behind) }
            return commit(delta, over: nil, .whole, reading: reading, context: context)
        }
        if let reason = refusal(of: context.foldVersion, over: stored) {
            return answer(.refused(reason))
        }
        // Before what a newer fold version needs: its node may still be on its way there.
        if delta.coverage < stored.watermark { return answer(.repeat) }
        let isNewer = stored.foldVersion.isOlder(than: context.foldVersion)
        if isNewer, delta.base != 0 { return answer(.refused(.foldVersionNeedsBaseZero)) }
        if delta.base > stored.watermark { return answer(.behind) }
        if isOfAnotherLog(delta, stored) { return answer(.refused(.fingerprint)) }

        let isEqual = delta.coverage == stored.watermark
        guard delta.base == 0 else {
            // At equal coverage both have the same values, except where HQ's are being healed.
            let heals = delta.replaced.map { mayReplace($0, delta, stored) } ?? false
            let taking: Taking = heals ? .healing : isEqual ? .facts : .changes
            return commit(delta, over: stored, taking, reading: reading, context: context)
        }
        if isNewer || stored.watermark < delta.seedWatermark {
            return commit(delta, over: stored, .whole, reading: reading, context: context)
        }
        // An unfinished commit leaves a mix of two states, which only the whole shard repairs.
        let isTorn = reading.liveness.map(ShardLiveness.isTorn) ?? false
        // A state that knows less never lowers HQ: it goes on from the watermark.
        // From watermark 0 it could not go on otherwise than with all it has.
        if !isTorn, stored.watermark > 0,
            delta.claims.idsShortUntil > stored.claims.idsShortUntil
        {
            return answer(.behind)
        }
        let knowsMore = isTorn || delta.claims.reachesFurtherBack(than: stored.claims)
        // An empty log has no other base than 0, so damage to its buckets is healed here.
        let taking: Taking =
            !isEqual || knowsMore ? .whole : stored.watermark == 0 ? .healing : .facts
        return commit(delta, over: stored, taking, reading: reading, context: context)
    }

    /// How much of a delta is taken.
    private enum Taking {
        /// All but the buckets: liveness and what goes with it.
        case facts
        /// The named buckets.
        case changes
        /// The named buckets; others in the range that is healed become 0.
        case healing
        /// The named buckets; others in the minutes that the node knows in full become 0.
        case whole
    }

    /// Whether another record is the last one below the watermark, as the delta knows the log.
    private static func isOfAnotherLog(_ delta: ShardDelta, _ stored: StoredShard) -> Bool {
        guard let ours = stored.fingerprint else { return false }
        if delta.base == stored.watermark, let theirs = delta.baseFingerprint {
            return theirs != ours
        }
        if delta.coverage == stored.watermark, let theirs = delta.fingerprint {
            return theirs != ours
        }
        return false
    }

    /// Whether minutes of HQ's may be replaced by a state that decided them with these ids.
    private static func mayReplace(
        _ minutes: ClosedRange<Minute>, _ delta: ShardDelta, _ stored: StoredShard
    ) -> Bool {
        delta.claims.idsShortUntil <= stored.claims.idsShortUntil
            || minutes.lowerBound >= delta.claims.idsShortUntil
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

    /// The minutes to read of a shard whose log was replaced: those that the store may hold, and
    /// all that it lists, since HQ's clock may be wrong.
    package static func minutesToRemove(now: UnixTime) -> MinutesToRead {
        let near = Array(StoreRetention.near(now: now))
        return MinutesToRead(buckets: near, late: near, beyond: Claims.always)
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
        _ delta: ShardDelta, over stored: StoredShard?, _ taking: Taking, reading: ShardReading,
        context: MergeContext
    ) -> ShardDecision {
        // The node's late money fits its own seed: where it replaces HQ's, the seed comes with it,
        // or a transfer that only the seed has would be in neither account.
        let isSeeded = delta.seedWatermark > 0
        let isNewer = stored?.foldVersion.isOlder(than: context.foldVersion) ?? false
        let takesSeed =
            taking == .whole
            && ((stored?.watermark ?? -1) < delta.seedWatermark || isSeeded && isNewer)
        let next = next(
            delta, over: stored, taking, takesSeed: takesSeed || stored == nil, context: context)
        var reply = ShardReply(
            log: delta.log, partition: delta.partition, outcome: .committed,
            watermark: next.watermark, claims: next.claims, fingerprint: next.fingerprint)
        let previous = stored == nil ? nil : reading.liveness.flatMap { ShardLiveness(text: $0) }
        let liveness = ShardLiveness(
            delta: delta, node: context.node, now: context.now, previous: previous)
        var commit = ShardCommit(
            shard: ShardID(region: context.region, log: delta.log, partition: delta.partition),
            expectedWatermark: reading.watermark, expectedLiveness: reading.liveness,
            watermark: next.text, liveness: liveness.text)
        guard taking != .facts else { return ShardDecision(reply: reply, commit: commit) }

        var scope = BucketMerge.Scope(
            firstRetained: context.firstRetained,
            taking: takesSeed || stored == nil
                ? .values : .correctionsBefore(delta.claims.idsFrom),
            replaced: taking == .changes ? [] : [delta.replaced].compactMap { $0 })
        if takesSeed, delta.claims.valuesFrom < delta.claims.idsFrom {
            scope.replaced.append(
                delta.claims.valuesFrom...delta.claims.idsFrom.advanced(by: -1))
        }
        var buckets = BucketMerge(scope: scope)
        scope.taking = .values
        var late = BucketMerge(scope: scope)
        guard buckets.merge(delta.buckets, over: reading.buckets),
            late.merge(delta.late, over: reading.late)
        else {
            reply.outcome = .refused(.overflow)
            reply.watermark = stored?.watermark ?? 0
            reply.claims = stored?.claims
            reply.fingerprint = stored?.fingerprint
            return ShardDecision(reply: reply)
        }
        commit.changes = buckets.changes
        commit.late = late.changes.map {
            Bucket(minute: $0.minute, currency: $0.currency, value: $0.value)
        }
        commit.ignoredBuckets = buckets.ignored + late.ignored
        if let stored, taking != .whole, delta.coverage > stored.watermark {
            commit.missed = missed(in: delta, context: context)
        }
        return ShardDecision(reply: reply, commit: commit)
    }

    /// The missed money of a delta. A bucket that HQ no longer retains counts in full, because HQ
    /// has forgotten its previous value: an upper bound.
    private static func missed(in delta: ShardDelta, context: MergeContext) -> [Bucket] {
        var sums: [Currency: BucketValue] = [:]
        let ignored = (delta.buckets + delta.late).filter { $0.minute < context.firstRetained }
        for bucket in ignored + delta.missed {
            var sum = sums[bucket.currency] ?? .zero
            // A fold's sums are never negative, but a hostile request's may be.
            sum.settled = min(sum.settled + max(bucket.value.settled, 0), Limits.sumMagnitude)
            sum.transfers = min(sum.transfers + bucket.value.transfers, Limits.sumMagnitude)
            sums[bucket.currency] = sum
        }
        return sums.filter { $0.value.transfers > 0 }.sorted { $0.key < $1.key }.map {
            Bucket(minute: context.now.minute, currency: $0.key, value: $0.value)
        }
    }

    /// What HQ stands at after the commit.
    private static func next(
        _ delta: ShardDelta, over stored: StoredShard?, _ taking: Taking, takesSeed: Bool,
        context: MergeContext
    ) -> StoredShard {
        guard let stored else {
            return StoredShard(
                watermark: delta.coverage, claims: delta.claims,
                foldVersion: context.foldVersion, fingerprint: delta.fingerprint)
        }
        if taking == .facts || taking == .healing && delta.coverage == stored.watermark {
            var kept = stored
            kept.fingerprint = stored.fingerprint ?? delta.fingerprint
            return kept
        }
        var claims = delta.claims
        if taking != .whole {
            claims = stored.claims.narrowed(by: delta.claims)
        } else if !takesSeed {
            // HQ's own values before ids-from stay, as far as the node keeps them up.
            claims.valuesFrom = min(
                delta.claims.idsFrom, max(stored.claims.valuesFrom, delta.claims.valuesFrom))
        }
        // An older one would not be the last record below the new watermark.
        let kept = delta.coverage == stored.watermark ? stored.fingerprint : nil
        return StoredShard(
            watermark: delta.coverage, claims: claims, foldVersion: context.foldVersion,
            fingerprint: delta.fingerprint ?? kept)
    }

    /// The minutes of buckets and of ranges in order, each once.
    private static func minutes(
        of buckets: [Bucket], from first: Minute, and ranges: [ClosedRange<Minute>]
    ) -> [Minute] {
        var minutes: [Minute] = []
        for bucket in buckets where minutes.last != bucket.minute && bucket.minute >= first {
            minutes.append(bucket.minute)
        }
        guard let range = ranges.first else { return minutes }
        return minutes.filter { $0 < range.lowerBound } + Array(range)
            + minutes.filter { $0 > range.upperBound }
    }
}
