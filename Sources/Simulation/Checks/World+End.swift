import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import RegionCore

/// I2 and I12: invariants that must hold some time after the last fault, without intervention.
extension World {
    func checkEnd() {
        for site in sites {
            for shard in shape.shards.indices { checkEnd(of: shard, at: site) }
            checkSums(site.store.sums.minutes, at: site)
            for table in site.store.buckets { checkSums(table.minutes, at: site) }
            if site.sumsAreDoubtful {
                fail("sums left by a failed script were never compared")
            }
        }
        for shard in shape.shards.indices where atlas.isForeign[shard] { checkStopped(shard) }
        for process in headquarters { checkEnd(of: process) }
        checkCommands()
        if tally.commits == 0 { fail("nothing was ever committed") }
    }

    private func checkEnd(of shard: Int, at site: Site) {
        let id = shape.shards[shard].id
        if atlas.isForeign[shard], site.number > 0 { return }
        guard !shape.shards[shard].isAdded, isRead(shard) else {
            return checkNothing(of: shard, at: site)
        }
        guard let stored = site.store.stored(shard) else {
            return fail("\(id) has no watermark at the end")
        }
        let end = atlas.endOfFirstLog[shard] ?? logs[shard].end
        guard stored.watermark == end else {
            return fail("\(id) is at \(stored.watermark) of \(end) at the end")
        }
        guard site.checks[shard].partialUntil == 0 else {
            return fail("\(id) was left partially written")
        }
        // Digests do not cover minutes before ids-from, which the first record of a continuing log
        // may have set since.
        let audited = max(
            NaiveFold.minute(now) - Int32(Limits.windowMinutes) + 1, stored.claims.idsFrom.number)
        let spoiled = site.checks[shard].spoiled.filter { $0.minute >= audited }
        guard spoiled.isEmpty || elapsed < site.auditedBy else {
            return fail("\(id) holds values written behind HQ's back: \(spoiled)")
        }
        let first = firstComparable(at: site)
        if stored.claims.valuesFrom.number > first, !atlas.mayDeclareGap(shard) {
            fail("\(id) has values only from \(stored.claims.valuesFrom.number) on, for no reason")
        }
        let own = truths[shard].fold.firstOfItsOwn.map { Int32($0) } ?? .min
        if stored.claims.idsFrom.number < own {
            fail("\(id) claims minutes before \(own), which the previous log may have had")
        }
        if !atlas.isCut[shard], !atlas.isTorn[shard],
            max(stored.claims.idsFrom, stored.claims.idsShortUntil).number > max(first, own)
        {
            fail("\(id) is known only from \(stored.claims.idsFrom.number) on, for no reason")
        }
        var touched: [ShardTruth.Place] = []
        site.checks[shard].cursor.move(
            to: stored.watermark, along: truths[shard], touched: &touched)
        compareAll(shard, stored.claims, at: site)
        guard !atlas.isForeign[shard] else { return }
        let observed = site.store.texts[shard].liveness.flatMap { ShardLiveness(text: $0) }
        let healed = UnixTime(milliseconds: now - Self.healing)
        if !options.isRelayed, observed?.observedThrough.map({ $0 < healed }) ?? true {
            fail("\(id) has not been observed since the faults ended")
        }
    }

    /// No HQ has anything of a replaced log, or of a partition that its log cannot have.
    private func checkNothing(of shard: Int, at site: Site) {
        let tables = [site.store.buckets[shard], site.store.late[shard]]
        let standing = tables.flatMap { table in
            table.minutes.filter { !table.isEmpty(minute: $0) }
        }
        if site.store.texts[shard] != StoreModel.Texts() || !standing.isEmpty {
            fail("\(shape.shards[shard].id) does not count but still has \(standing)")
        }
    }

    /// HQ's values stay, and the shard's owner has stopped it.
    private func checkStopped(_ shard: Int) {
        let log = shape.shards[shard].log
        let partition = shape.shards[shard].id.partition
        let owner = groups[log].owners[Int(partition)].map { nodes[$0] }
        let host = owner?.hosts.first { $0.log == log }
        if host?.node.alarm(partition) == nil {
            fail("\(shape.shards[shard].id) continues with another log")
        }
    }

    private func checkEnd(of process: HeadquartersProcess) {
        guard process.site.isReachable, process.isRunning else {
            return fail("headquarters \(process.number) is not back at the end")
        }
        publish(process, isLast: true)
    }
}
