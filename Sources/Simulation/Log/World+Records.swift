/// What the producers do, and which situations that makes.
extension World {
    func writeHistory() {
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
    func write(at time: Int64) {
        let shard = logRandom.below(shape.shards.count)
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
        note(written, shard: shard)
    }

    /// Brings a marker into every partition, as a relay does.
    func writeMarkers() {
        for shard in shape.shards.indices {
            _ = author.writeMarker(at: now, log: &logs[shard], truth: &truths[shard])
            tally.records += 1
        }
    }

    private func note(_ written: RecordAuthor.Written, shard: Int) {
        let fold = truths[shard].fold
        switch written.outcome {
        case .late: probes.hit(.lateAccount)
        case .conflict: probes.hit(.conflict)
        case .void: probes.hit(.correctionVoid)
        case .repeatedControl: probes.hit(.correctionDuplicate)
        default: break
        }
        if fold.hasForgotten, written.outcome == .applied || written.outcome == .late {
            probes.hit(.idExpiredCountsAgain)
        }
        switch (written.kind, written.outcome) {
        case (.redated, .conflict): probes.hit(.redatedDuplicate)
        case (.future, .rejected): probes.hit(.futureRejected)
        case (.huge, .rejected): probes.hit(.overflowRejected)
        case (.imprecise, .rejected): probes.hit(.precisionRejected)
        case (.correction, .control): probes.hit(.correctionApplied)
        case (.badStamp, .applied):
            if let entry = logs[shard].entries.last, entry.stamp > entry.appendedAt + 600_000,
                let time = fold.logTime, time < entry.stamp
            {
                probes.hit(.badClockIgnored)
            }
        default: break
        }
    }
}
