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
    /// How often a digest of the whole shard goes along, in milliseconds.
    package static let digestMilliseconds: Int64 = 10_000

    package let log: LogID
    package let partition: Int32
    /// The coverage that HQ has, as far as it said.
    package private(set) var watermark: Int64
    /// Why HQ would not take the shard, until it does.
    package private(set) var refusal: RefusalReason?
    /// How often HQ stood before what it had once acknowledged: it lost data.
    package private(set) var regressions: Int64 = 0

    private var wantsWhole = false
    private var isUrgent = false
    private var inFlight: Int64?
    private var sentAt: UnixTime?
    private var digestSentAt: UnixTime?

    /// - Parameter watermark: what HQ said it has; 0 where it has nothing of the shard.
    package init(log: LogID, partition: Int32, watermark: Int64) {
        self.log = log
        self.partition = partition
        self.watermark = watermark
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
    package mutating func delta(
        of fold: inout ShardFold, now: UnixTime
    ) -> ShardDelta? {
        // A seed stands for more than the records below it that were read so far.
        guard inFlight == nil, fold.coverage >= fold.seedWatermark else { return nil }
        // A clock that jumped back must not silence the shard.
        if let due = nextDue(coverage: fold.coverage), due > now, let sentAt, sentAt <= now {
            return nil
        }
        // A node that is behind HQ has nothing to tell but that it lives.
        let isBehindHQ = fold.coverage < watermark
        let base = isBehindHQ ? fold.coverage : wantsWhole ? 0 : watermark
        let isEmpty = isBehindHQ || base == fold.coverage && base > 0
        let changes =
            isEmpty ? ShardStatus.Values(buckets: [], late: []) : fold.changes(since: base)
        var delta = ShardDelta(
            log: log, partition: partition, base: base, coverage: fold.coverage,
            completeFrom: fold.completeFrom, observedThrough: fold.observedThrough(),
            marker: fold.marker, fingerprint: fold.fingerprint, counters: fold.counters.summary,
            buckets: changes.buckets, late: changes.late)
        if digestSentAt.map({ $0 + Self.digestMilliseconds <= now || $0 > now }) ?? true {
            // The window's minutes: HQ still holds them all when the delta arrives.
            let first = now.minute.advanced(by: 1 - Limits.windowMinutes)
            delta.digest = .init(minute: first, digest: fold.digest(from: first))
            digestSentAt = now
        }
        sentAt = now
        isUrgent = false
        inFlight = fold.coverage
        return delta
    }

    /// Takes HQ's answer to the delta under way.
    package mutating func answered(_ reply: ShardReply, completeFrom: Minute) {
        inFlight = nil
        switch reply.outcome {
        case .committed, .repeat:
            stand(at: reply.watermark)
            // HQ knows less of the past than this node does: it may have the whole shard.
            wantsWhole = reply.completeFrom.map { $0 > completeFrom } ?? false
            isUrgent = wantsWhole
        case .behind:
            stand(at: reply.watermark)
            wantsWhole = false
            isUrgent = true
        case .refused(let reason):
            // HQ may not have been able to look: where it stands, only the others say.
            refusal = reason
            wantsWhole = reason == .foldVersionNeedsBaseZero
            isUrgent = wantsWhole
        }
    }

    private mutating func stand(at watermark: Int64) {
        if watermark < self.watermark { regressions += 1 }
        self.watermark = watermark
        refusal = nil
    }

    /// The delta under way got no answer that can be believed: whether HQ took it is unknown, and
    /// makes no difference.
    package mutating func failed() {
        inFlight = nil
        isUrgent = true
    }
}
