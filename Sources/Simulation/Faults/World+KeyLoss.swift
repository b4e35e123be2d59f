import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Publishing

/// Makes keys vanish from the store, singly or as Redis evicts them.
extension World {
    /// Removes single keys. Readers or the key count must notice, and the shown values must stay.
    func loseKeys() {
        guard !isHealed else { return }
        schedule(.loseKeys, after: keyRandom.wait(mean: options.keyLossWait))
        let site = sites[keyRandom.below(sites.count)]
        let kind = keyRandom.below(10)
        // The audit needs time for a full cycle before the world ends.
        guard site.isReachable, !site.sumsAreDoubtful,
            elapsed < options.liveMinutes * 60_000 - 330_000
        else { return }
        switch kind {
        case 0..<4: loseHash(at: site)
        case 4..<6: loseSums(at: site)
        case 6: loseChanges(at: site)
        case 7:
            // Redis only loses whole keys; only a person can remove one member. A reader that has
            // not read the member's last change would learn of it only from the next count.
            let minutes = site.store.changes.minutes
            let isRead = headquarters.allSatisfy {
                $0.site !== site
                    || $0.publisher.publication.readPosition?.version == site.store.version
            }
            if !minutes.isEmpty, isRead {
                site.store.loseChanges(minute: keyRandom.pick(minutes))
            }
        default:
            // Eviction removes arbitrary keys.
            for _ in 0..<keyRandom.within(2...6) { loseHash(at: site) }
            loseSums(at: site)
            if keyRandom.happens(perMille: 300) { loseChanges(at: site) }
        }
        if keyRandom.happens(perMille: 500) { site.store.reconnect() }
    }

    private func loseChanges(at site: Site) {
        site.store.loseChanges()
        probes.hit(.changesLost)
        trace("the list of changes is gone")
    }

    private func loseSums(at site: Site) {
        let minutes = site.store.sums.minutes
        guard !minutes.isEmpty else { return }
        let minute = keyRandom.pick(minutes)
        site.lostMinutes.insert(minute)
        site.store.loseSums(minute: minute)
        trace("the sums of minute \(minute) are gone")
    }

    private func loseHash(at site: Site) {
        let shard = keyRandom.below(shape.shards.count)
        guard let stored = site.store.stored(shard), site.checks[shard].partialUntil == 0,
            !atlas.isForeign[shard]
        else { return }
        let first = max(
            NaiveFold.minute(now) - Int32(Limits.windowMinutes) + 10,
            stored.claims.idsFrom.number, stored.claims.idsShortUntil.number)
        let table = site.store.buckets[shard]
        // Digests cover minutes up to a day ahead.
        let last = NaiveFold.minute(now) + Int32(Limits.windowMinutes) - 60
        let minutes = table.minutes.filter {
            (first...max(first, last)).contains($0) && !table.isEmpty(minute: $0)
        }
        .filter { minute in
            // Losing a damaged hash removes the damage, though it may still be shown for a while.
            !site.checks[shard].spoiledOnce.contains { $0.minute == minute }
        }
        guard !minutes.isEmpty else { return }
        let minute = keyRandom.pick(minutes)
        let version = site.store.changes[minute, 0].settled
        for process in headquarters where process.site === site {
            // A process that has not read it cannot notice the loss.
            let seen = process.publisher.publication.readPosition
            let hasRead = seen?.storeID == site.store.id && seen?.version ?? 0 >= version
            let isKnown = site.checks[shard].spoiled.isEmpty || process.publisher.held[shard] != nil
            if hasRead, isKnown, version > 0 {
                process.publisher.held[shard, default: [:]][minute] = version
            } else {
                process.publisher.held[shard] = nil
            }
        }
        site.store.loseHash(shard, minute: minute)
        let places = options.currencies.indices.map {
            ShardTruth.Place(minute: minute, column: $0)
        }
        site.checks[shard].spoiled += places
        site.checks[shard].spoiledOnce += places
        awaitAudit(at: site)
        site.lostMinutes.insert(minute)
        noteStoreLoss(shards: [shard], at: site)
        probes.hit(.keysLost)
        trace("\(shape.shards[shard].id) lost its hash of minute \(minute)")
    }

    /// Notes that the audit needs another full cycle: a push carries one of 49 digests, and some
    /// pushes are lost.
    func awaitAudit(at site: Site) {
        let pushMilliseconds = options.tickWait + 2 * options.networkWait
        site.auditedBy = elapsed + 49 * pushMilliseconds * 3 / 2
    }

    func wipe(_ site: Site) {
        if site.store.id != nil { probes.hit(.storeWiped) }
        site.store.wipe()
        site.sumsAreDoubtful = false
        for shard in shape.shards.indices {
            site.checks[shard].partialUntil = 0
            site.checks[shard].partialOnce = 0
            site.checks[shard].spoiled = []
            site.checks[shard].spoiledOnce = []
        }
        noteStoreLoss(shards: Array(shape.shards.indices), at: site)
    }
}
