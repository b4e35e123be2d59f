package import CivilTime
package import DeltaProtocol
package import Identifiers

/// Decides what to send to HQ about one shard, and when: the region's half of the delta protocol.
///
/// There is no queue: whenever a delta is due, it is cut from the fold's present state, from the
/// watermark that HQ last reported. Time is a parameter. One owner, any thread.
package struct ShardPush: Sendable {
    /// An idle shard sends a heartbeat to HQ at least this often, in milliseconds.
    package static let heartbeatMilliseconds: Int64 = 2_000
    /// A refused shard asks again at this interval, in milliseconds. If only the store failed, it
    /// asks at the heartbeat's.
    package static let refusedMilliseconds: Int64 = 10_000
    /// How often a delta carries the digest of another range, in milliseconds.
    package static let digestMilliseconds: Int64 = 2_000

    package let log: LogID
    package let partition: Int32
    /// The watermark that HQ last reported.
    package private(set) var watermark: Int64 = 0
    /// The last record below `watermark`, once it is known to be the log's.
    private var base: Fingerprint?
    /// HQ's fingerprint at its watermark, if the fold is already past it and the node has to read
    /// that record again. Until it is compared, nothing is pushed.
    package private(set) var unverified: Fingerprint?
    /// Why HQ refused the shard; nil once HQ accepts it.
    package private(set) var refusal: RefusalReason?
    /// How often HQ was below a coverage that it had acknowledged: it lost data.
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
    /// The minutes for which HQ asked for every bucket.
    private var heal: ClosedRange<Minute>?

    /// True once HQ has answered for the shard. Until then nothing is pushed.
    package private(set) var isJoined = false

    package init(log: LogID, partition: Int32) {
        self.log = log
        self.partition = partition
    }

    /// Takes HQ's state of the shard; nil if HQ has none.
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

    /// True if HQ has everything up to `coverage`.
    package func isAcknowledged(through coverage: Int64) -> Bool { watermark >= coverage }

    /// The latest time at which the next delta is due, in milliseconds since 1970; nil if one is
    /// due now.
    package func nextDue(coverage: Int64) -> UnixTime? {
        guard let sentAt else { return nil }
        if let refusal, !isUrgent {
            // A store failure passes by itself; all other refusals wait for an operator.
            let pace = refusal == .store ? Self.heartbeatMilliseconds : Self.refusedMilliseconds
            return sentAt + pace
        }
        if isUrgent || wantsWhole || coverage > watermark { return nil }
        return sentAt + Self.heartbeatMilliseconds
    }

    /// The delta that is due at `now`; nil if one is in flight or none is due. The caller reports
    /// the result with `answered` or `failed`.
    ///
    /// - Parameter ahead: how far HQ's clock is ahead of the node's, in milliseconds.
    package mutating func delta(
        of fold: inout ShardFold, now: UnixTime, ahead: Int64
    ) -> ShardDelta? {
        // Until the coverage reaches the seed's watermark, the values include records not yet read.
        guard isJoined, inFlight == nil, unverified == nil, fold.coverage >= fold.seedWatermark
        else {
            return nil
        }
        // A clock that jumped back must not silence the shard.
        if let due = nextDue(coverage: fold.coverage), due > now, let sentAt, sentAt <= now {
            return nil
        }
        // A node that is behind HQ can only send a heartbeat.
        let isBehindHQ = fold.coverage < watermark
        // An HQ that is behind the seed's watermark needs the whole state too.
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

    /// Adds what changed since the base, and all of a range that is being healed.
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

    /// By HQ's clock. If a relay feeds the topic, only its markers show how much of the ledger was
    /// seen.
    private func observedThrough(_ fold: inout ShardFold, ahead: Int64) -> UnixTime? {
        let proof = fold.proof().map { $0 + ahead }
        guard fold.settings.isRelayed else { return proof }
        guard let proof, let marker = fold.marker else { return nil }
        return min(proof, marker.markedAt)
    }

    /// Takes HQ's answer to the delta in flight.
    package mutating func answered(_ reply: ShardReply, of fold: inout ShardFold) {
        let sent = inFlight
        inFlight = nil
        unanswered = nil
        switch reply.outcome {
        case .committed, .repeat:
            stand(at: reply.watermark, reply.fingerprint, sent: sent?.fingerprint, &fold)
            // HQ reaches less far back than this node: push the whole shard.
            wantsWhole = reply.claims.map { fold.claims.reachesFurtherBack(than: $0) } ?? false
            heal = reply.heal
            isUrgent = wantsWhole || heal != nil
        case .behind:
            stand(at: reply.watermark, reply.fingerprint, sent: sent?.fingerprint, &fold)
            wantsWhole = false
            isUrgent = true
        case .refused(let reason):
            // HQ may have been unable to read its state: only other answers give its watermark.
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
        // Another node's push, or an older one of this node.
        if found.offset >= fold.coverage || found.offset == fold.fingerprint?.offset {
            fold.expect(found)
        } else {
            unverified = found
        }
    }

    /// Marks HQ's record as compared, or as impossible to compare.
    package mutating func verified() { unverified = nil }

    /// The delta in flight got no trustworthy answer. HQ may have committed it or not; both are
    /// safe.
    package mutating func failed() {
        inFlight = nil
        isUrgent = true
    }
}
