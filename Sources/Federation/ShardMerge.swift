package import CivilTime
package import DeltaProtocol
package import Identifiers
import Money

/// HQ's merge: the effect of a delta on the stored state of its shard, as a pure function of both.
///
/// HQ reads the shard's texts and the minutes of `minutesToRead` in one atomic step, decides with
/// this function, and writes the commit only if the texts are still the ones read; otherwise it
/// reads again.
package enum ShardMerge {
    /// The minutes that must be read before `decide`.
    ///
    /// A delta of the whole shard needs every retained minute that it could replace, because
    /// buckets that it omits become 0. Any other delta needs the minutes that it names or heals. A
    /// delta that is refused in any case needs none.
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
            // HQ may turn out to be below the seed's watermark.
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

    /// For each delta, true if it is the request's first of its shard. HQ refuses a later one,
    /// because its decision would ignore the changes of the first.
    package static func isFirstOfItsShard(_ shards: [ShardDelta]) -> [Bool] {
        var seen: Set<LogPartition> = []
        return shards.map {
            seen.insert(LogPartition(log: $0.log, partition: $0.partition)).inserted
        }
    }

    /// HQ's decision on one delta.
    ///
    /// - Parameter reading: the stored state, including the minutes of `minutesToRead`.
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
        // Before the check for a newer fold version: that version's node may still be catching up.
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
        // A state that knows less never lowers HQ: it continues from the watermark. From watermark
        // 0 it could only continue with its whole state.
        if !isTorn, stored.watermark > 0,
            delta.claims.idsShortUntil > stored.claims.idsShortUntil
        {
            return answer(.behind)
        }
        let knowsMore = isTorn || delta.claims.reachesFurtherBack(than: stored.claims)
        // An empty log has only base 0, so damage to its buckets is healed on this path.
        let taking: Taking =
            !isEqual || knowsMore ? .whole : stored.watermark == 0 ? .healing : .facts
        return commit(delta, over: stored, taking, reading: reading, context: context)
    }

    /// The part of a delta to take.
    private enum Taking {
        /// Everything except the buckets: liveness and the other facts.
        case facts
        /// The named buckets.
        case changes
        /// The named buckets; others in the healed range become 0.
        case healing
        /// The named buckets; others in the minutes that the node knows in full become 0.
        case whole
    }

    /// True if the delta's log has another record than HQ's below the watermark.
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

    /// True if a state with these ids may replace minutes of HQ's.
    private static func mayReplace(
        _ minutes: ClosedRange<Minute>, _ delta: ShardDelta, _ stored: StoredShard
    ) -> Bool {
        delta.claims.idsShortUntil <= stored.claims.idsShortUntil
            || minutes.lowerBound >= delta.claims.idsShortUntil
    }

    /// Why `delta` is refused whatever the store holds; nil if it is not.
    private static func refusal(of delta: ShardDelta, context: MergeContext) -> RefusalReason? {
        guard context.knows(delta.log, partition: delta.partition) else { return .unknownLog }
        return DeltaValidation.refusal(of: delta)
    }

    /// Why a state of this fold version may not change the stored one; nil if it may.
    private static func refusal(
        of foldVersion: FoldVersion, over stored: StoredShard
    ) -> RefusalReason? {
        if foldVersion.isOlder(than: stored.foldVersion) { return .foldVersionOlder }
        if stored.foldVersion.isOlder(than: foldVersion) { return nil }
        return foldVersion.digest == stored.foldVersion.digest ? nil : .foldVersionConflict
    }

    /// The minutes to read of a shard whose log was replaced: those that the store may hold, and
    /// all listed ones, because HQ's clock may be wrong.
    package static func minutesToRemove(now: UnixTime) -> MinutesToRead {
        let near = Array(StoreRetention.near(now: now))
        return MinutesToRead(buckets: near, late: near, beyond: Claims.always)
    }

    /// Removes the stored state of a shard whose log was replaced: all of `reading`, and both
    /// texts.
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
        // The node's late money belongs to its own seed. If it replaces HQ's, HQ takes the seed
        // too; otherwise a transfer that only the seed has would be in neither account.
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

    /// HQ's state of the shard after the commit.
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
            // HQ's own values before ids-from remain, as far as the node keeps them up to date.
            claims.valuesFrom = min(
                delta.claims.idsFrom, max(stored.claims.valuesFrom, delta.claims.valuesFrom))
        }
        // HQ's older fingerprint is not the last record below a new watermark.
        let kept = delta.coverage == stored.watermark ? stored.fingerprint : nil
        return StoredShard(
            watermark: delta.coverage, claims: claims, foldVersion: context.foldVersion,
            fingerprint: delta.fingerprint ?? kept)
    }

    /// The minutes of buckets and of ranges, in order, without repeats.
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
