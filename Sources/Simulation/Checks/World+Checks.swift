import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import Money
import Topology

/// What must hold after every commit.
extension World {
    /// Every so many commits of a shard all its buckets are compared, not only those that moved.
    private static let fullEvery = 32

    // MARK: - Commits

    /// I1, I5 and I6: the shard's buckets are the second fold of its log up to the watermark.
    func check(commit: ShardCommit, shard: Int, before: Int64?, task: IngestTask) {
        guard let stored = store.stored(shard) else { return fail("a commit left no watermark") }
        let delta = task.deltas.shards.first { delta in
            delta.log == commit.shard.log && delta.partition == commit.shard.partition
        }
        mix(stored.watermark)
        trace(
            "\(commit.shard) stands at \(stored.watermark) from \(stored.completeFrom.number), "
                + "\(commit.changes.count) buckets, by \(task.deltas.node)")
        if let before, stored.watermark < before {
            fail("\(commit.shard) moved back from \(before) to \(stored.watermark)")
        }
        if stored.watermark > logs[shard].end {
            return fail("\(commit.shard) stands at \(stored.watermark), behind its log's end")
        }
        var touched: [NaiveFold.Cell] = []
        checks[shard].cursor.move(
            to: stored.watermark, along: truths[shard], touched: &touched)
        // A delta of the whole shard names no bucket that is zero.
        if delta?.base == 0, commit.changes.contains(where: { $0.value.isZero }) {
            probes.hit(.unnamedBucketRemoved)
        }
        let isReplaced = delta?.base == 0 && before != stored.watermark
        if stored.watermark >= checks[shard].partialUntil || isReplaced {
            if checks[shard].partialUntil > 0 { checks[shard].mustCompareAll = true }
            checks[shard].partialUntil = 0
        }
        if checks[shard].completeFrom != stored.completeFrom { checks[shard].mustCompareAll = true }
        checks[shard].completeFrom = stored.completeFrom
        checks[shard].commits += 1
        noteSituation(of: shard, stored: stored)
        guard checks[shard].partialUntil == 0 else { return }
        if checks[shard].mustCompareAll || checks[shard].commits % Self.fullEvery == 0 {
            checks[shard].mustCompareAll = false
            compareAll(shard, completeFrom: stored.completeFrom)
        } else {
            for change in commit.changes {
                guard let column = store.column(change.currency) else { continue }
                touched.append(
                    .init(isLate: false, minute: change.minute.number, column: column))
            }
            for bucket in commit.late {
                guard let column = store.column(bucket.currency) else { continue }
                touched.append(.init(isLate: true, minute: bucket.minute.number, column: column))
            }
            let floor = firstComparable(shard, completeFrom: stored.completeFrom)
            for cell in touched where cell.minute >= floor { compare(shard, cell) }
        }
        checkSums(commit.changes.map(\.minute.number))
        if let delta {
            checkDigest(of: delta, shard: shard, stored: stored, node: task.deltas.node)
        }
    }

    /// A script failed in the middle: its buckets may be ahead of its watermarks from now on.
    func check(afterPartial step: CommitStep) {
        for (shard, commit) in zip(step.shards, step.commits) {
            let coverage = commit.watermark.flatMap { StoredShard(text: $0) }?.watermark ?? 0
            checks[shard].partialUntil = max(checks[shard].partialUntil, coverage)
            checks[shard].partialOnce = max(checks[shard].partialOnce, coverage)
            // No node can be given what stands there.
            atlas.lose(shard)
        }
    }

    /// The first minute in which HQ, the log's time and the shard's knowledge all still stand.
    private func firstComparable(_ shard: Int, completeFrom: Minute) -> Int32 {
        max(store.firstMinute, completeFrom.number, firstRetained(shard))
    }

    /// The first minute that a state at the check's coverage retains.
    private func firstRetained(_ shard: Int) -> Int32 {
        let place = logs[shard].place(of: checks[shard].cursor.coverage)
        guard place > 0, truths[shard].logMinutes[place - 1] != .min else { return .min }
        return truths[shard].logMinutes[place - 1] - Int32(Limits.retainedMinutes) + 1
    }

    func compareAll(_ shard: Int, completeFrom: Minute) {
        let floor = firstComparable(shard, completeFrom: completeFrom)
        let columns = options.currencies.indices
        for (isLate, tables) in [
            (false, [store.buckets[shard], checks[shard].cursor.buckets]),
            (true, [store.late[shard], checks[shard].cursor.late]),
        ] {
            for table in tables {
                for row in table.row(from: floor)..<table.minutes.count {
                    for column in columns {
                        compare(
                            shard,
                            .init(isLate: isLate, minute: table.minutes[row], column: column))
                    }
                }
            }
        }
    }

    private func compare(_ shard: Int, _ cell: NaiveFold.Cell) {
        tally.comparisons += 1
        let cursor = checks[shard].cursor
        let table = cell.isLate ? store.late[shard] : store.buckets[shard]
        let truth = cell.isLate ? cursor.late : cursor.buckets
        let found = table[cell.minute, cell.column]
        let right = truth[cell.minute, cell.column]
        guard found != right else { return }
        tally.minorUnitsWrong += (found.settled - right.settled).magnitude
        tally.minorUnitsWrong += (found.correction - right.correction).magnitude
        fail(
            """
            \(shape.shards[shard].id) holds \(describe(found)) where the second fold up to \
            \(cursor.coverage) has \(describe(right)): \(cell.isLate ? "late money of " : "")\
            minute \(cell.minute), \(options.currencies[cell.column])
            """)
    }

    private func describe(_ value: BucketValue) -> String {
        "\(value.settled):\(value.transfers):\(value.correction)"
    }

    // MARK: - Sums and digests

    /// Whether a failed script may have left sums that nobody has set right yet.
    private var sumsMayBeWrong: Bool {
        sumsAreDoubtful || headquarters.contains { !$0.suspects.isEmpty }
    }

    func checkSums(_ minutes: [Int32]) {
        guard !sumsMayBeWrong else { return }
        var last: Int32?
        for minute in minutes where minute != last {
            last = minute
            guard let wrong = store.wrongSums(minute: minute).first else { continue }
            let found = store.sums[minute, wrong.column]
            tally.minorUnitsWrong += (found.settled - wrong.right.settled).magnitude
            fail(
                """
                the sum of minute \(minute), \(options.currencies[wrong.column]) is \
                \(found.settled) of \(found.transfers) transfers, its shards hold \
                \(wrong.right.settled) of \(wrong.right.transfers)
                """)
        }
    }

    /// A node's digest is that of HQ's buckets at the same coverage.
    private func checkDigest(
        of delta: ShardDelta, shard: Int, stored: StoredShard, node: String
    ) {
        guard let sent = delta.digest, delta.coverage == stored.watermark,
            let sender = nodes.first(where: { $0.name == node }), !sender.clockWasWrong,
            sent.minute >= max(stored.completeFrom, delta.completeFrom),
            sent.minute.number >= store.firstMinute,
            sent.minute.number >= firstRetained(shard)
        else { return }
        var digest = ShardDigest()
        let table = store.buckets[shard]
        for row in table.row(from: sent.minute.number)..<table.minutes.count {
            for (column, currency) in options.currencies.enumerated() {
                digest.add(
                    minute: Minute(table.minutes[row]), currency: currency,
                    value: table.value(row: row, column: column))
            }
        }
        probes.hit(.digestCompared)
        if digest != sent.digest {
            fail("\(shape.shards[shard].id): digests differ at \(stored.watermark)")
        }
    }

    // MARK: - Accounting

    /// I10: every record that a node has read is in exactly one counter; a node that has read the
    /// whole log counts as the second fold does.
    func checkCounters(of host: ShardHost, shard: Int) {
        let counters = host.fold.counters
        let summary = counters.summary
        let place = logs[shard].place(of: host.fold.coverage)
        let read = Int64(place - host.firstPlace)
        if summary.consumed + counters.remembered != read {
            fail(
                """
                \(shape.shards[shard].id): \(summary.consumed) consumed and \
                \(counters.remembered) remembered of \(read) records
                """)
        }
        guard host.isWhole, place > 0 else { return }
        probes.hit(.countersCompared)
        let right = truths[shard].counts[place - 1]
        let counted = ShardTruth.Counts(
            applied: summary.applied, duplicate: summary.duplicate, conflicts: summary.conflicts,
            late: summary.late, rejected: summary.rejected, control: summary.control)
        if counted != right {
            fail("\(shape.shards[shard].id) counted \(counted), the second fold \(right)")
        }
    }

    // MARK: - Situations

    /// Hits the probes of a decision.
    func note(
        _ decision: ShardDecision, of delta: ShardDelta, over reading: ShardReading,
        _ task: IngestTask
    ) {
        switch decision.reply.outcome {
        case .repeat:
            if !task.request.isCopy { probes.hit(.zombieRepeat) }
        case .behind:
            if reading.watermark == nil, delta.base == delta.coverage {
                probes.hit(.heartbeatFoundWipe)
            }
        case .refused(let reason):
            if reason == .foldVersionOlder { probes.hit(.foldVersionOlderRefused) }
            trace("\(delta.log)/\(delta.partition) of \(task.deltas.node) refused: \(reason)")
        case .committed:
            guard delta.base == 0,
                let stored = reading.watermark.flatMap({ StoredShard(text: $0) })
            else { return }
            probes.hit(.baseZeroReplaced)
            if stored.foldVersion.isOlder(than: task.deltas.foldVersion) {
                probes.hit(.foldVersionRaised)
            } else if delta.coverage == stored.watermark,
                delta.completeFrom < stored.completeFrom
            {
                probes.hit(.equalCoverageEarlierCompleteFrom)
            }
        }
    }

    private func noteSituation(of shard: Int, stored: StoredShard) {
        if stored.completeFrom.number > store.firstMinute { probes.hit(.gapDeclared) }
        let minutes = truths[shard].logMinutes
        let place = logs[shard].place(of: stored.watermark)
        if place > 0, let first = minutes.first, first != .min,
            Int(minutes[place - 1]) - Int(first) > Limits.retainedMinutes + Limits.futureMinutes
        {
            probes.hit(.ringSlotReused)
        }
    }
}
