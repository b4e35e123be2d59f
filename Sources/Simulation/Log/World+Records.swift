/// The producers' actions, and the situations that they create.
extension World {
    func writeHistory() {
        let idle = options.hasIdlePartition ? logRandom.below(shape.shards.count) : nil
        if let idle {
            write(at: options.startedAt - 30 * 3_600_000, shard: idle)
            mutedUntil[idle] = options.liveMinutes * 30_000
            probes.hit(.partitionIdleForLong)
        }
        let count = options.historyRecords
        guard count > 0 else { return }
        let span = options.historyMinutes * 60_000
        for index in 0..<count {
            let start = span * Int64(index) / Int64(count)
            write(
                at: options.startedAt - span + start
                    + logRandom.within(0...max(0, span / Int64(count) - 1)))
        }
    }

    func produce() {
        guard !isHealed else { return }
        write(at: now)
        schedule(.produce, after: logRandom.wait(mean: options.recordWait))
    }

    /// Appends a record to some partition at this time.
    func write(at time: Int64, shard: Int? = nil) {
        let shard = shardInUse(shard ?? logRandom.below(shape.shards.count))
        guard mutedUntil[shard] <= elapsed else { return }
        if logRandom.happens(perMille: options.holeShare) {
            logs[shard].skip(logRandom.within(1...3))
        }
        let written = author.write(
            shard: shard, at: time, log: &logs[shard], truth: &truths[shard])
        if logRandom.happens(perMille: options.holeShare) {
            logs[shard].skip(logRandom.within(1...3))
        }
        tally.records += 1
        trace(
            "\(shape.shards[shard].id) has \(written.kind) at \(written.offset): "
                + "\(written.outcome), \((now - time) / 60_000) min old")
        note(written, shard: shard)
    }

    /// The shard to write instead of this one if one log follows another: the first log's until the
    /// second begins, then only the second's.
    private func shardInUse(_ shard: Int) -> Int {
        if shape.shards[shard].isAdded { return shard - 1 }
        guard options.movedOnAt != nil else { return shard }
        let logs = shape.logsOfRegion[shape.shards[shard].region]
        guard logs.count > 1, (shape.shards[shard].log == logs.lowerBound) == hasMovedOn else {
            return shard
        }
        return shape.logs[hasMovedOn ? logs.lowerBound + 1 : logs.lowerBound].shards.lowerBound
    }

    /// Begins the second log of each region that has one. The producer does not know how much of
    /// the first log was consumed, so it sends the last transfers again among new ones.
    func moveOn() {
        hasMovedOn = true
        for logs in shape.logsOfRegion where logs.count > 1 {
            let before = shape.logs[logs.lowerBound].shards.lowerBound
            let shards = shape.logs[logs.lowerBound + 1].shards
            for transfer in author.last(continuationRandom.within(1...20), of: before) {
                if continuationRandom.happens(perMille: 200) { write(at: now, shard: before) }
                repeatTransfer(transfer, into: shards.lowerBound + transfer.id % shards.count)
            }
        }
    }

    /// Repeats a transfer in another log or partition. If the log continues the previous one, it
    /// must not count again.
    func repeatTransfer(_ transfer: TransferMeaning, into shard: Int) {
        let written = author.repeatTransfer(
            transfer, shard: shard, at: now, log: &logs[shard], truth: &truths[shard])
        tally.records += 1
        trace(
            "\(shape.shards[shard].id) has a transfer of the previous log at \(written.offset): "
                + "\(written.outcome)")
        note(written, shard: shard)
        if written.outcome == .late { truths[shard].note(.repeatOfLogBefore) }
        if written.outcome == .applied, options.continuedAt != nil {
            fail("\(shape.shards[shard].id) counts \(transfer) again")
        }
    }

    /// Writes a marker to every partition, like a relay.
    func writeMarkers() {
        for shard in shape.shards.indices where !atlas.isForeign[shard] {
            _ = author.writeMarker(at: now, log: &logs[shard], truth: &truths[shard])
            tally.records += 1
        }
    }

    func note(_ written: RecordAuthor.Written, shard: Int) {
        // A node that begins later cannot know whether a bucket was full.
        if written.outcome == .rejected || written.outcome == .conflict {
            letterLedgers[shard].add(written.offset, contentFrom: written.result.contentFrom)
        }
        if truths[shard].fold.hasForgotten, written.outcome == .applied || written.outcome == .late
        {
            truths[shard].note(.idExpiredCountsAgain)
        }
        switch written.outcome {
        case .duplicate: truths[shard].note(.plainRepeat)
        case .late: truths[shard].note(.lateAccount)
        case .conflict: truths[shard].note(.conflict)
        case .void: truths[shard].note(.correctionVoid)
        case .repeatedControl: truths[shard].note(.correctionDuplicate)
        default: break
        }
        switch (written.kind, written.outcome) {
        case (.redated, .conflict): truths[shard].note(.redatedDuplicate)
        case (.future, .rejected): truths[shard].note(.futureRejected)
        case (_, .overflowed): truths[shard].note(.overflowRejected)
        case (.imprecise, .rejected): truths[shard].note(.precisionRejected)
        case (.malformed, .rejected): truths[shard].note(.malformedRejected)
        case (.noStamp, .rejected): truths[shard].note(.unstampedRejected)
        case (.ignored, .control): truths[shard].note(.controlIgnored)
        case (.correction, .control): truths[shard].note(.correctionApplied)
        case (.wrongClock, .applied):
            if let entry = logs[shard].entries.last {
                truths[shard].note(
                    entry.stamp > entry.appendedAt ? .moneyAhead : .moneyBehind)
            }
        case (.fresh, .rejected):
            if logs[shard].clockError < 0 { truths[shard].note(.brokerClockBehind) }
        case (.oldCorrection, .void): truths[shard].note(.correctionTooOld)
        default: break
        }
    }
}
