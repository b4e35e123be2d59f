import CivilTime
import Federation
import RegionCore
import Topology

/// I2 and I12: what must hold some time after the last fault, without anyone's help.
extension World {
    func checkEnd() {
        for site in sites {
            for shard in shape.shards.indices { checkEnd(of: shard, at: site) }
            checkSums(site.store.sums.minutes, at: site)
            for table in site.store.buckets { checkSums(table.minutes, at: site) }
            if site.sumsAreDoubtful {
                fail("sums that a failed script left were never compared")
            }
        }
        for shard in shape.shards.indices where atlas.isForeign[shard] { checkStopped(shard) }
        for process in headquarters { checkEnd(of: process) }
        checkCommands()
        if tally.commits == 0 { fail("nothing was ever committed") }
    }

    private func checkEnd(of shard: Int, at site: Site) {
        let id = shape.shards[shard].id
        guard let stored = site.store.stored(shard) else {
            return fail("\(id) has no watermark at the end")
        }
        guard stored.watermark == logs[shard].end else {
            return fail("\(id) stands at \(stored.watermark) of \(logs[shard].end) at the end")
        }
        guard site.checks[shard].partialUntil == 0 else {
            return fail("\(id) was left half written")
        }
        let firstKnown = max(site.store.firstMinute, stored.completeFrom.number)
        if firstKnown > site.store.firstMinute, !atlas.mayDeclareGap(shard) {
            fail("\(id) is complete from \(stored.completeFrom.number) on only, for no reason")
        }
        var touched: [NaiveFold.Cell] = []
        site.checks[shard].cursor.move(
            to: stored.watermark, along: truths[shard], touched: &touched)
        compareAll(shard, completeFrom: stored.completeFrom, at: site)
        guard !atlas.isForeign[shard] else { return }
        let observed = site.store.texts[shard].liveness.flatMap { ShardLiveness(text: $0) }
        let healed = UnixTime(milliseconds: now - Self.healing)
        if !options.isRelayed, observed?.observedThrough.map({ $0 < healed }) ?? true {
            fail("\(id) has not been observed since the faults ended")
        }
    }

    /// HQ's values stay, and whoever took the shard over has given it up.
    private func checkStopped(_ shard: Int) {
        let log = shape.shards[shard].log
        let partition = shape.shards[shard].id.partition
        let owner = groups[log].owners[Int(partition)].map { nodes[$0] }
        let host = owner?.hosts.first { $0.log == log }
        if host?.node.alarm(partition) == nil {
            fail("\(shape.shards[shard].id) goes on with another log")
        }
    }

    private func checkEnd(of process: HeadquartersProcess) {
        guard process.site.isReachable, process.isRunning else {
            return fail("headquarters \(process.number) is not back at the end")
        }
        publish(process, isLast: true)
    }
}
