import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import Money
import RegionCore
import Topology

/// What must hold after every commit.
extension World {
    /// Every so many commits of a shard all its buckets are compared, not only those that moved.
    private static let fullEvery = 32

    // MARK: - Commits

    /// I1, I5 and I6: the shard's buckets are the second fold of its log up to the watermark.
    func check(commit: ShardCommit, shard: Int, before: Int64?, _ task: RoundTask) {
        let site = task.process.site
        let deltas = task.round.request
        guard let stored = site.store.stored(shard) else {
            return fail("a commit left no watermark")
        }
        let delta = deltas.shards.first { delta in
            delta.log == commit.shard.log && delta.partition == commit.shard.partition
        }
        mix(stored.watermark)
        trace(
            "\(commit.shard) stands at \(stored.watermark) from \(stored.completeFrom.number), "
                + "\(commit.changes.count) buckets, by \(deltas.node)")
        site.highest[shard] = max(site.highest[shard], stored.watermark)
        if let before, stored.watermark < before {
            fail("\(commit.shard) moved back from \(before) to \(stored.watermark)")
        }
        if stored.watermark > logs[shard].end {
            return fail("\(commit.shard) stands at \(stored.watermark), behind its log's end")
        }
        var touched: [NaiveFold.Cell] = []
        site.checks[shard].cursor.move(
            to: stored.watermark, along: truths[shard], touched: &touched)
        // A delta of the whole shard names no bucket that is zero.
        if delta?.base == 0, commit.changes.contains(where: { $0.value.isZero }) {
            probes.hit(.unnamedBucketRemoved)
        }
        let isReplaced = delta?.base == 0 && before != stored.watermark
        if stored.watermark >= site.checks[shard].partialUntil || isReplaced {
            if site.checks[shard].partialUntil > 0 { site.checks[shard].mustCompareAll = true }
            site.checks[shard].partialUntil = 0
        }
        // A bucket spoilt after the reading was taken is not replaced by it.
        if isReplaced, site.checks[shard].isSpoiled,
            site.checks[shard].spoiledAt < task.readings[shard]?.at ?? 0
        {
            site.checks[shard].isSpoiled = false
            site.checks[shard].mustCompareAll = true
        }
        if site.checks[shard].completeFrom != stored.completeFrom {
            site.checks[shard].mustCompareAll = true
        }
        site.checks[shard].completeFrom = stored.completeFrom
        site.checks[shard].commits += 1
        noteSituation(of: shard, stored: stored, at: site)
        guard site.checks[shard].partialUntil == 0, !site.checks[shard].isSpoiled else { return }
        if site.checks[shard].mustCompareAll || site.checks[shard].commits % Self.fullEvery == 0 {
            site.checks[shard].mustCompareAll = false
            compareAll(shard, completeFrom: stored.completeFrom, at: site)
        } else {
            for change in commit.changes {
                guard let column = site.store.column(change.currency) else { continue }
                touched.append(
                    .init(isLate: false, minute: change.minute.number, column: column))
            }
            for bucket in commit.late {
                guard let column = site.store.column(bucket.currency) else { continue }
                touched.append(.init(isLate: true, minute: bucket.minute.number, column: column))
            }
            let floor = firstComparable(shard, completeFrom: stored.completeFrom, at: site)
            for cell in touched where cell.minute >= floor { compare(shard, cell, at: site) }
        }
        checkSums(commit.changes.map(\.minute.number), at: site)
        if let delta {
            checkDigest(of: delta, shard: shard, stored: stored, node: deltas.node, at: site)
        }
    }

    /// A script failed in the middle: its buckets may be ahead of its watermarks from now on.
    func check(afterPartial step: StoreStep, at site: Site) {
        for (shard, commit) in zip(step.shards, step.commits) {
            let coverage = commit.watermark.flatMap { StoredShard(text: $0) }?.watermark ?? 0
            site.checks[shard].partialUntil = max(site.checks[shard].partialUntil, coverage)
            site.checks[shard].partialOnce = max(site.checks[shard].partialOnce, coverage)
            // The script may have come as far as some of the watermarks.
            let reached = site.store.stored(shard)?.watermark ?? 0
            site.highest[shard] = max(site.highest[shard], reached)
            // No node can be given what stands there.
            atlas.lose(shard)
        }
    }

    /// The first minute in which HQ, the log's time and the shard's knowledge all still stand.
    private func firstComparable(
        _ shard: Int, completeFrom: Minute, at site: Site
    ) -> Int32 {
        // Digests cover the window only: older damage is never found.
        let known =
            site.checks[shard].isSpoiled
            ? NaiveFold.minute(now) - Int32(Limits.windowMinutes) + 1 : .min
        return max(
            site.store.firstMinute, completeFrom.number, firstRetained(shard, at: site), known)
    }

    /// The first minute that a state at the check's coverage retains.
    private func firstRetained(_ shard: Int, at site: Site) -> Int32 {
        let place = logs[shard].place(of: site.checks[shard].cursor.coverage)
        guard place > 0, truths[shard].logMinutes[place - 1] != .min else { return .min }
        return truths[shard].logMinutes[place - 1] - Int32(Limits.retainedMinutes) + 1
    }

    func compareAll(_ shard: Int, completeFrom: Minute, at site: Site) {
        let floor = firstComparable(shard, completeFrom: completeFrom, at: site)
        let columns = options.currencies.indices
        for (isLate, tables) in [
            (false, [site.store.buckets[shard], site.checks[shard].cursor.buckets]),
            (true, [site.store.late[shard], site.checks[shard].cursor.late]),
        ] {
            for table in tables {
                for row in table.row(from: floor)..<table.minutes.count {
                    for column in columns {
                        compare(
                            shard,
                            .init(isLate: isLate, minute: table.minutes[row], column: column),
                            at: site)
                    }
                }
            }
        }
    }

    private func compare(_ shard: Int, _ cell: NaiveFold.Cell, at site: Site) {
        tally.comparisons += 1
        let cursor = site.checks[shard].cursor
        let table = cell.isLate ? site.store.late[shard] : site.store.buckets[shard]
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
    private func sumsMayBeWrong(at site: Site) -> Bool {
        site.sumsAreDoubtful
            || headquarters.contains { $0.site === site && !$0.suspects.isEmpty }
    }

    func checkSums(_ minutes: [Int32], at site: Site) {
        guard !sumsMayBeWrong(at: site) else { return }
        var last: Int32?
        for minute in minutes where minute != last {
            last = minute
            guard let wrong = site.store.wrongSums(minute: minute).first else { continue }
            let found = site.store.sums[minute, wrong.column]
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
        of delta: ShardDelta, shard: Int, stored: StoredShard, node: String, at site: Site
    ) {
        guard let sent = delta.digest, !site.checks[shard].isSpoiled,
            delta.coverage == stored.watermark,
            let sender = nodes.first(where: { $0.name == node }), !sender.clockWasWrong,
            sent.minute >= max(stored.completeFrom, delta.completeFrom),
            sent.minute.number >= site.store.firstMinute,
            sent.minute.number >= firstRetained(shard, at: site)
        else { return }
        var digest = ShardDigest()
        let table = site.store.buckets[shard]
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
    func checkCounters(of host: NodeHost) {
        for shard in host.node.foldingShards {
            guard let folded = host.folded[shard.partition] else { continue }
            checkCounters(of: shard, folded, number: self.shard(host, shard.partition))
        }
    }

    private func checkCounters(of shard: FoldingShard, _ folded: NodeHost.Folded, number: Int) {
        guard !atlas.isForeign[number] else { return }
        let counters = shard.fold.counters
        let summary = counters.summary
        let place = logs[number].place(of: shard.fold.coverage)
        let read = Int64(place - folded.firstPlace)
        if summary.consumed + counters.remembered != read {
            fail(
                """
                \(shape.shards[number].id) counted \(summary.consumed) and remembered \
                \(counters.remembered) of \(read) records
                """)
        }
        guard folded.isWhole, place > 0 else { return }
        probes.hit(.countersCompared)
        let right = truths[number].counts[place - 1]
        let counted = ShardTruth.Counts(
            applied: summary.applied, duplicate: summary.duplicate, conflicts: summary.conflicts,
            late: summary.late, rejected: summary.rejected, control: summary.control)
        if counted != right {
            fail("\(shape.shards[number].id) counted \(counted), the second fold \(right)")
        }
    }

    // MARK: - Situations

    /// Hits the probes of an answer.
    func note(_ reply: DeltaReply, _ task: RoundTask) {
        noteOffers(reply, task)
        if !reply.commands.isEmpty {
            probes.hit(.commandOffered)
            trace(
                "headquarters \(task.process.number) offers \(reply.commands.map(\.id)) to "
                    + task.round.request.node)
        }
        let request = task.round.request
        for delta in request.shards {
            let id = ShardID(
                region: request.region, log: delta.log, partition: delta.partition)
            guard let shard = shape.number(of: id),
                let answer = reply.shards.first(where: {
                    $0.log == delta.log && $0.partition == delta.partition
                })
            else { continue }
            note(answer, of: delta, over: task.readings[shard]?.reading ?? ShardReading(), task)
        }
    }

    /// Notes commands that were offered to a node that will not lose the partition any more, and in
    /// time.
    private func noteOffers(_ reply: DeltaReply, _ task: RoundTask) {
        let log = shape.logsOfRegion[task.region].upperBound - 1
        // Nobody waits for the answer to a copy.
        guard isHealed, !task.request.isCopy,
            elapsed < options.liveMinutes * 60_000 + Self.healing / 2,
            task.round.request.shards.contains(where: {
                $0.partition == 0 && $0.log == shape.logs[log].id
            }), let owner = groups[log].owners[0],
            nodes[owner].name == task.round.request.node,
            let host = nodes[owner].hosts.first(where: { $0.log == log }),
            host.generation == groups[log].generation,
            host.node.folding(0)?.isAssigned ?? false
        else { return }
        for command in reply.commands { commands[command.id]?.wasOfferedAtLast = true }
    }

    private func note(
        _ answer: ShardReply, of delta: ShardDelta, over reading: ShardReading, _ task: RoundTask
    ) {
        switch answer.outcome {
        case .repeat:
            if !task.request.isCopy { probes.hit(.zombieRepeat) }
        case .behind:
            if reading.watermark == nil, delta.base == delta.coverage {
                probes.hit(.heartbeatFoundWipe)
            }
        case .refused(let reason):
            if reason == .foldVersionOlder { probes.hit(.foldVersionOlderRefused) }
            trace(
                "\(delta.log)/\(delta.partition) of \(task.round.request.node) refused: \(reason)")
        case .committed:
            guard delta.base == 0,
                let stored = reading.watermark.flatMap({ StoredShard(text: $0) })
            else { return }
            probes.hit(.baseZeroReplaced)
            if stored.foldVersion.isOlder(than: task.round.request.foldVersion) {
                probes.hit(.foldVersionRaised)
            } else if delta.coverage == stored.watermark,
                delta.completeFrom < stored.completeFrom
            {
                probes.hit(.equalCoverageEarlierCompleteFrom)
            }
        }
    }

    private func noteSituation(of shard: Int, stored: StoredShard, at site: Site) {
        if stored.completeFrom.number > site.store.firstMinute { probes.hit(.gapDeclared) }
        let minutes = truths[shard].logMinutes
        let place = logs[shard].place(of: stored.watermark)
        if place > 0, let first = minutes.first, first != .min,
            Int(minutes[place - 1]) - Int(first) > Limits.retainedMinutes + Limits.futureMinutes
        {
            probes.hit(.ringSlotReused)
        }
    }
}
