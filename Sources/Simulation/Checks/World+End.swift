import CivilTime
import Federation

/// I2 and I12: what must hold some time after the last fault, without anyone's help.
extension World {
    func checkEnd() {
        for shard in shape.shards.indices { checkEnd(of: shard) }
        checkSums(store.sums.minutes)
        for table in store.buckets { checkSums(table.minutes) }
        if sumsAreDoubtful { fail("sums that a failed script left were never compared") }
        for process in headquarters { checkEnd(of: process) }
        if tally.commits == 0 { fail("nothing was ever committed") }
    }

    private func checkEnd(of shard: Int) {
        let id = shape.shards[shard].id
        guard let stored = store.stored(shard) else {
            return fail("\(id) has no watermark at the end")
        }
        guard stored.watermark == logs[shard].end else {
            return fail("\(id) stands at \(stored.watermark) of \(logs[shard].end) at the end")
        }
        guard checks[shard].partialUntil == 0 else {
            return fail("\(id) was left half written")
        }
        let firstKnown = max(store.firstMinute, stored.completeFrom.number)
        if firstKnown > store.firstMinute, !atlas.mayDeclareGap(shard) {
            fail("\(id) is complete from \(stored.completeFrom.number) on only, for no reason")
        }
        var touched: [NaiveFold.Cell] = []
        checks[shard].cursor.move(
            to: stored.watermark, along: truths[shard], touched: &touched)
        compareAll(shard, completeFrom: stored.completeFrom)
        if atlas.isForeign[shard] {
            // HQ's values stand, and whoever took the shard over has given it up again.
            if !checks[shard].wasStopped { fail("\(id) goes on with another log") }
            return
        }
        let observed = store.texts[shard].liveness.flatMap { ShardLiveness(text: $0) }
        let healed = UnixTime(milliseconds: now - Self.healing)
        if !options.isRelayed, observed?.observedThrough.map({ $0 < healed }) ?? true {
            fail("\(id) has not been observed since the faults ended")
        }
    }

    private func checkEnd(of process: HeadquartersProcess) {
        guard storeIsReachable, process.isRunning else {
            return fail("headquarters \(process.number) is not back at the end")
        }
        publish(process, isLast: true)
    }
}
