import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Money
import Publishing
import RegionCore

/// Invariants checked after every commit.
extension World {
    /// After this many commits of a shard all its buckets are compared, not only the changed ones.
    private static let fullEvery = 32

    // MARK: - Commits

    /// I1, I5 and I6: the shard's buckets equal the second fold of its log up to the watermark.
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
        if shape.shards[shard].isAdded {
            return fail("\(commit.shard) was committed, but its log cannot have this partition")
        }
        // A second HQ that was wiped may receive the other log before the node has heard the first
        // one.
        if atlas.isForeign[shard], site.number > 0 { return }
        trace(
            "\(commit.shard) is at \(stored.watermark), \(describe(stored.claims)), "
                + "\(commit.changes.count) buckets, by \(deltas.node)")
        checkMissed(commit, shard: shard, from: before, to: stored.watermark, task)
        site.highest[shard] = max(site.highest[shard], stored.watermark)
        if let before, stored.watermark < before {
            fail("\(commit.shard) moved back from \(before) to \(stored.watermark)")
        }
        if stored.watermark > logs[shard].end {
            return fail("\(commit.shard) is at \(stored.watermark), beyond its log's end")
        }
        var touched: [ShardTruth.Place] = []
        site.checks[shard].cursor.move(
            to: stored.watermark, along: truths[shard], touched: &touched)
        // A delta of the whole shard contains no zero buckets.
        if delta?.base == 0, commit.changes.contains(where: { $0.value.isZero }) {
            probes.hit(.unnamedBucketRemoved)
        }
        let isReplaced = delta?.base == 0 && before != stored.watermark
        if stored.watermark >= site.checks[shard].partialUntil || isReplaced {
            if site.checks[shard].partialUntil > 0 { site.checks[shard].mustCompareAll = true }
            site.checks[shard].partialUntil = 0
        }
        settleSpoiled(shard, isHealed: delta?.base != 0 && delta?.replaced != nil, at: site)
        if site.checks[shard].claims != stored.claims { site.checks[shard].mustCompareAll = true }
        site.checks[shard].claims = stored.claims
        site.checks[shard].commits += 1
        noteSituation(of: shard, stored: stored, at: site)
        if before == nil, let last = commit.changes.last?.minute.number,
            last > NaiveFold.minute(now) + 360
        {
            probes.hit(.filledWithMoneyAhead)
        }
        if let before, let delta, delta.base == 0, before < delta.seedWatermark {
            probes.hit(.seedTakenByAnother)
        }
        guard site.checks[shard].partialUntil == 0 else { return }
        if site.checks[shard].mustCompareAll || site.checks[shard].commits % Self.fullEvery == 0 {
            site.checks[shard].mustCompareAll = false
            compareAll(shard, stored.claims, at: site)
        } else {
            for (minute, currency) in commit.changes.map({ ($0.minute, $0.currency) })
                + commit.late.map({ ($0.minute, $0.currency) })
            {
                guard let column = site.store.column(currency) else { continue }
                touched.append(.init(minute: minute.number, column: column))
            }
            let first = firstComparable(at: site)
            for place in touched where place.minute >= first {
                compare(shard, place, stored.claims, at: site)
            }
        }
        checkSums(commit.changes.map(\.minute.number), at: site)
        if let delta { checkDigest(of: delta, shard: shard, stored: stored, at: site) }
    }

    private func describe(_ claims: Claims) -> String {
        func text(_ minute: Minute) -> String {
            minute == Claims.always ? "-" : "\(minute.number)"
        }
        return "values \(text(claims.valuesFrom)) ids \(text(claims.idsFrom)) "
            + "short \(text(claims.idsShortUntil))"
    }

    /// Forgets replaced values that were written behind HQ's back.
    private func settleSpoiled(_ shard: Int, isHealed: Bool, at site: Site) {
        guard !site.checks[shard].spoiled.isEmpty else { return }
        let check = site.checks[shard]
        site.checks[shard].spoiled.removeAll { place in
            let found = site.store.buckets[shard][place.minute, place.column]
            guard found == check.cursor.buckets[place.minute, place.column] else { return false }
            if isHealed { probes.hit(.auditHealed) }
            return true
        }
        guard site.checks[shard].spoiled.isEmpty else { return }
        for process in headquarters where process.site === site {
            process.publisher.held[shard] = nil
        }
    }

    /// A script failed midway, or was one of several: its buckets may now be ahead of its
    /// watermarks.
    func check(afterPartial step: StoreStep, _ task: RoundTask) {
        let site = task.process.site
        for (shard, commit) in zip(step.shards, step.commits) {
            let coverage =
                task.round.request.shards.first {
                    $0.log == commit.shard.log && $0.partition == commit.shard.partition
                }?.coverage ?? 0
            site.checks[shard].partialUntil = max(site.checks[shard].partialUntil, coverage)
            site.checks[shard].partialOnce = max(site.checks[shard].partialOnce, coverage)
            // The script may have written some of the watermarks.
            let reached = site.store.stored(shard)?.watermark ?? 0
            site.highest[shard] = max(site.highest[shard], reached)
            // No node can be seeded with these values.
            atlas.lose(shard)
        }
    }

    /// The first minute that the store keeps and that no process has refused as too old.
    func firstComparable(at site: Site) -> Int32 { max(site.store.firstMinute, firstTaken) }

    func compareAll(_ shard: Int, _ claims: Claims, at site: Site) {
        let first = firstComparable(at: site)
        let check = site.checks[shard]
        for table in [
            site.store.buckets[shard], check.cursor.buckets, site.store.late[shard],
            check.cursor.late,
        ] {
            for row in table.row(from: first)..<table.minutes.count {
                for column in options.currencies.indices {
                    let place = ShardTruth.Place(minute: table.minutes[row], column: column)
                    compare(shard, place, claims, at: site)
                }
            }
        }
    }

    /// Compares HQ's values of one minute and currency with the truth, by the shard's claims.
    private func compare(
        _ shard: Int, _ place: ShardTruth.Place, _ claims: Claims, at site: Site
    ) {
        guard !site.checks[shard].spoiled.contains(place),
            place.minute >= claims.idsFrom.number || !strays[shard].contains(place)
        else { return }
        tally.comparisons += 1
        let (minute, column) = (place.minute, place.column)
        let check = site.checks[shard]
        let comparison = PlaceComparison(
            bucket: site.store.buckets[shard][minute, column],
            late: site.store.late[shard][minute, column],
            rightBucket: check.cursor.buckets[minute, column],
            rightLate: check.cursor.late[minute, column],
            most: truths[shard].most(minute, column))
        let wasShort = shortRanges[shard].contains { $0.contains(minute) }
        let problem: String?
        if minute >= claims.idsFrom.number {
            let isShort = wasShort && minute < claims.idsShortUntil.number
            problem = isShort ? comparison.problemOfShort : comparison.problemOfKnown
            if isShort, comparison.problemOfKnown != nil { probes.hit(.repeatTakenForNew) }
        } else {
            // If HQ loses its watermark, it may keep buckets of a later coverage than the next
            // commit's.
            let held = truths[shard].held(
                comparison.bucket, in: .init(isLate: false, minute: minute, column: column),
                upTo: site.highest[shard])
            problem = comparison.problemOfSeeded(
                isKeptUp: minute >= claims.valuesFrom.number, wasHeld: held || wasShort)
            if comparison.bucket != comparison.rightBucket { probes.hit(.seededMinuteStoodStill) }
            if comparison.late.transfers > comparison.rightLate.transfers {
                probes.hit(.unprovenMoney)
            }
        }
        guard let problem else { return }
        tally.minorUnitsWrong += comparison.difference
        fail(
            """
            \(shape.shards[shard].id), minute \(minute), \(options.currencies[column]) at \
            \(check.cursor.coverage) with \(describe(claims)): \(problem)
            """)
    }

    // MARK: - Sums and digests

    /// True if a failed script may have left sums that are not repaired yet.
    private func sumsMayBeWrong(at site: Site) -> Bool {
        site.sumsAreDoubtful
            || headquarters.contains { $0.site === site && !$0.suspects.isEmpty }
    }

    func checkSums(_ minutes: [Int32], at site: Site) {
        guard !sumsMayBeWrong(at: site) else { return }
        var last: Int32?
        for minute in minutes where minute != last {
            last = minute
            guard isHealed || !site.lostMinutes.contains(minute),
                let wrong = site.store.wrongSums(minute: minute).first
            else { continue }
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

    /// A node's digest must match HQ's buckets at the same coverage, in minutes that both know.
    private func checkDigest(
        of delta: ShardDelta, shard: Int, stored: StoredShard, at site: Site
    ) {
        guard let sent = delta.digest, site.checks[shard].spoiled.isEmpty,
            delta.coverage == stored.watermark, delta.claims.know(sent.minutes),
            stored.claims.know(sent.minutes),
            sent.minutes.lowerBound.number >= firstComparable(at: site)
        else { return }
        var digest = ShardDigest()
        for (isLate, table) in [
            (false, site.store.buckets[shard]), (true, site.store.late[shard]),
        ] {
            for row in table.row(from: sent.minutes.lowerBound.number)..<table.minutes.count {
                guard table.minutes[row] <= sent.minutes.upperBound.number else { break }
                for (column, currency) in options.currencies.enumerated() {
                    digest.add(
                        minute: Minute(table.minutes[row]), currency: currency,
                        value: table.value(row: row, column: column), isLate: isLate)
                }
            }
        }
        probes.hit(.digestCompared)
        if digest != sent.digest {
            fail("\(shape.shards[shard].id): digests differ at \(stored.watermark)")
        }
    }

    // MARK: - Accounting

    /// I10: every record that a node has read is in exactly one counter. A node that has read the
    /// whole log has the same counts as the second fold.
    func checkCounters(of host: NodeHost) {
        for shard in host.node.foldingShards {
            firstTaken = max(firstTaken, shard.fold.floor.number)
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
        var right = truths[number].counts[place - 1]
        let counted = ShardTruth.Counts(
            applied: summary.applied, duplicate: summary.duplicate, conflicts: summary.conflicts,
            late: summary.late, rejected: summary.rejected, control: summary.control,
            overflowed: right.overflowed)
        // Below its floor a node has no buckets that could be full.
        let taken = (counted.applied - right.applied, counted.late - right.late)
        if taken.0 >= 0, taken.1 >= 0, taken.0 + taken.1 <= right.overflowed {
            right.rejected -= taken.0 + taken.1
            right.applied = counted.applied
            right.late = counted.late
        }
        if counted != right {
            fail("\(shape.shards[number].id) counted \(counted), the second fold \(right)")
        }
    }

    // MARK: - Situations

    /// Hits the probes of a reply.
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

    /// Records commands that were offered, early enough, to a node that will keep the partition.
    private func noteOffers(_ reply: DeltaReply, _ task: RoundTask) {
        let log = shape.logsOfRegion[task.region].upperBound - 1
        // No process awaits the answer to a copy.
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
            if reason == .partitionCount { probes.hit(.addedPartitionRefused) }
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
                delta.claims.idsFrom < stored.claims.idsFrom
            {
                probes.hit(.equalCoverageEarlierIds)
            }
        }
    }

    private func noteSituation(of shard: Int, stored: StoredShard, at site: Site) {
        if stored.claims.valuesFrom.number > site.store.firstMinute { probes.hit(.gapDeclared) }
        if let first = logs[shard].entries.first,
            now - first.appendedAt > Int64(MinuteRing.slots) * 60_000
        {
            probes.hit(.ringSlotReused)
        }
    }
}
