package import CivilTime
package import DeltaProtocol
package import Topology

/// What to tell HQ about one shard, and when: the region's half of the delta protocol.
///
/// There is no queue: a delta is cut from the fold's present state whenever one is due, from the
/// offset that HQ last said it has. Time is a parameter. One owner, any thread.
package struct ShardPush: Sendable {
    /// An idle shard tells HQ that it lives at least this often, in milliseconds.
    package static let heartbeatMilliseconds: Int64 = 2_000
    /// A refused shard asks again at this pace, in milliseconds; one that only the store could not
    /// take, at the heartbeat's.
    package static let refusedMilliseconds: Int64 = 10_000
    /// How often the digest of another range goes along, in milliseconds.
    package static let digestMilliseconds: Int64 = 2_000

    package let log: LogID
    package let partition: Int32
    /// The coverage that HQ has, as far as it said.
    package private(set) var watermark: Int64 = 0
    /// The last record below `watermark`, once it is known to be the log's.
    private var base: Fingerprint?
    /// What HQ takes for the last record below its watermark, where the fold is past it and the
    /// log has to be asked. Until then nothing is pushed.
    package private(set) var unverified: Fingerprint?
    /// Why HQ would not take the shard, until it does.
    package private(set) var refusal: RefusalReason?
    /// How often HQ stood before what it had once acknowledged: it lost data.
    package private(set) var regressions: Int64 = 0

    /// True if HQ already had the shard when the node first asked.
    private var hadState = false
    private var wantsWhole = false
    private var isUrgent = false
    private var inFlight: (coverage: Int64, fingerprint: Fingerprint?)?
    /// The coverage of the oldest delta without an answer.
    private var unanswered: Int64?
    private var sentAt: UnixTime?
    private var digestSentAt: UnixTime?
    private var digestTurn = 0
    /// The minutes of which HQ wants every bucket.
    private var heal: ClosedRange<Minute>?

    /// Whether HQ has answered for the shard. Until then nothing is pushed.
    package private(set) var isJoined = false

    package init(log: LogID, partition: Int32) {
        self.log = log
        self.partition = partition
    }

    /// Takes what HQ has of the shard; nil where that is nothing.
    package mutating func join(_ status: ShardStatus?, of fold: inout ShardFold) {
        isJoined = true
        hadState = status.map { $0.watermark > 0 } ?? false
        stand(at: status?.watermark ?? 0, status?.fingerprint, sent: nil, &fold)
    }

    /// The possible watermarks of HQ: the one it last reported, and the one it has if it committed
    /// the oldest unanswered delta. `[1]`, meaning any, before HQ has answered at all. Empty during
    /// the first fill, because history that was too old before HQ had the shard is not missed.
    package func standings(isCaughtUp: Bool) -> [Int64] {
        guard isJoined else { return [1] }
        guard isCaughtUp || hadState else { return [] }
        return [watermark] + (unanswered.map { [$0] } ?? [])
    }

    /// Whether HQ has everything that `coverage` covers.
    package func isAcknowledged(through coverage: Int64) -> Bool { watermark >= coverage }

    /// When the next delta is due at the latest, in milliseconds since 1970; nil where one is due
    /// now.
    package func nextDue(coverage: Int64) -> UnixTime? {
        guard let sentAt else { return nil }
        if let refusal, !isUrgent {
            // The store's trouble passes by itself, all else waits for an operator.
            let pace = refusal == .store ? Self.heartbeatMilliseconds : Self.refusedMilliseconds
            return sentAt + pace
        }
        if isUrgent || wantsWhole || coverage > watermark { return nil }
        return sentAt + Self.heartbeatMilliseconds
    }

    /// The delta that is due at `now`; nil while one is under way or none is due. The caller says
    /// with `answered` or `failed` what became of it.
    ///
    /// - Parameter ahead: how far HQ's clock is ahead of the node's, in milliseconds.
    package mutating func delta(
        of fold: inout ShardFold, now: UnixTime, ahead: Int64
    ) -> ShardDelta? {
        // A seed stands for more than the records below it that were read so far.
        guard isJoined, inFlight == nil, unverified == nil, fold.coverage >= fold.seedWatermark
        else {
            return nil
        }
        // A clock that jumped back must not silence the shard.
        if let due = nextDue(coverage: fold.coverage), due > now, let sentAt, sentAt <= now {
            return nil
        }
        // A node that is behind HQ has nothing to tell but that it lives.
        let isBehindHQ = fold.coverage < watermark
        // One that has less than the seed needs it too.
        let isWhole = wantsWhole || watermark < fold.seedWatermark
        let base = isBehindHQ ? fold.coverage : isWhole ? 0 : watermark
        var delta = ShardDelta(
            log: log, partition: partition, base: base, coverage: fold.coverage,
            claims: fold.claims, seedWatermark: fold.seedWatermark,
            observedThrough: observedThrough(&fold, ahead: ahead), marker: fold.marker,
            fingerprint: fold.fingerprint, baseFingerprint: base == watermark ? self.base : nil,
            counters: fold.counters.summary)
        if base == 0 {
            delta.replaced = fold.replaced
        } else if !isBehindHQ, let heal, heal.lowerBound >= fold.replaced.lowerBound {
            delta.replaced = heal
        }
        if !isBehindHQ { addValues(of: fold, to: &delta) }
        if !isBehindHQ,
            digestSentAt.map({ $0 + Self.digestMilliseconds <= now || $0 > now }) ?? true,
            let range = DigestRanges.range(
                digestTurn, claims: fold.claims, floor: fold.floor, now: (now + ahead).minute)
        {
            delta.digest = .init(minutes: range, digest: fold.digest(of: range))
            digestSentAt = now
            digestTurn &+= 1
        }
        sentAt = now
        isUrgent = false
        inFlight = (fold.coverage, fold.fingerprint)
        unanswered = unanswered ?? fold.coverage
        return delta
    }

    /// What changed since the base, and all of a range that is healed.
    private func addValues(of fold: borrowing ShardFold, to delta: inout ShardDelta) {
        if delta.base < delta.coverage || delta.base == 0 {
            let changes = fold.changes(since: delta.base)
            delta.buckets = changes.buckets
            delta.late = changes.late
        }
        if delta.base != 0 {
            delta.missed = fold.missed.sums(since: delta.base).map {
                Bucket(minute: fold.floor, currency: $0.currency, value: $0.value)
            }
        }
        guard delta.base != 0, let range = delta.replaced else { return }
        let whole = fold.changes(since: 0, in: range)
        func put(_ buckets: [Bucket], into named: inout [Bucket]) {
            named.removeAll { range.contains($0.minute) }
            named += buckets
            named.sort(by: Bucket.precedes)
        }
        put(whole.buckets, into: &delta.buckets)
        put(whole.late, into: &delta.late)
    }

    /// By HQ's clock. Where a relay feeds the topic, only its markers say how far the ledger is
    /// seen.
    private func observedThrough(_ fold: inout ShardFold, ahead: Int64) -> UnixTime? {
        let proof = fold.proof().map { $0 + ahead }
        guard fold.settings.isRelayed else { return proof }
        guard let proof, let marker = fold.marker else { return nil }
        return min(proof, marker.markedAt)
    }

    /// Takes HQ's answer to the delta under way.
    package mutating func answered(_ reply: ShardReply, of fold: inout ShardFold) {
        let sent = inFlight
        inFlight = nil
        unanswered = nil
        switch reply.outcome {
        case .committed, .repeat:
            stand(at: reply.watermark, reply.fingerprint, sent: sent?.fingerprint, &fold)
            // HQ knows less of the past than this node does: it may have the whole shard.
            wantsWhole = reply.claims.map { fold.claims.reachesFurtherBack(than: $0) } ?? false
            heal = reply.heal
            isUrgent = wantsWhole || heal != nil
        case .behind:
            stand(at: reply.watermark, reply.fingerprint, sent: sent?.fingerprint, &fold)
            wantsWhole = false
            isUrgent = true
        case .refused(let reason):
            // HQ may not have been able to look: where it stands, only the others say.
            refusal = reason
            wantsWhole = reason == .foldVersionNeedsBaseZero
            isUrgent = wantsWhole
        }
    }

    private mutating func stand(
        at watermark: Int64, _ fingerprint: Fingerprint?, sent: Fingerprint?,
        _ fold: inout ShardFold
    ) {
        if watermark < self.watermark { regressions += 1 }
        self.watermark = watermark
        refusal = nil
        guard fingerprint != base else { return }
        base = fingerprint
        unverified = nil
        guard let found = fingerprint, found != sent else { return }
        // Another node's push, or an older one's.
        if found.offset >= fold.coverage || found.offset == fold.fingerprint?.offset {
            fold.expect(found)
        } else {
            unverified = found
        }
    }

    /// Marks HQ's record as compared, or as impossible to compare.
    package mutating func verified() { unverified = nil }

    /// The delta under way got no answer that can be believed: whether HQ took it is unknown, and
    /// makes no difference.
    package mutating func failed() {
        inFlight = nil
        isUrgent = true
    }
}
