import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Publishing

/// The publisher's turns, and what may never be shown: a dip because something was lost, a time
/// that runs backwards, a claim of freshness that is not true.
extension World {
    func publish(_ process: HeadquartersProcess, isLast: Bool = false) {
        let time = present(of: process)
        var refresh: StoreRefresh?
        let site = process.site
        process.publisher.clockwork.readBegan(at: elapsed)
        process.publisher.waits.commitSince = nil
        if site.isReachable {
            let answer = site.store.refresh(
                since: process.publisher.publication.readPosition,
                isNewConnection: process.publisher.connection != site.store.connection,
                own: process.topology, shape: shape)
            process.publisher.connection = site.store.connection
            process.publisher.publication.take(answer, now: time)
            fillAgain(process.publisher.publication.losses, process)
            refresh = answer
        } else {
            process.publisher.publication.storeIsUnreachable()
        }
        process.publisher.clockwork.readEnded(refresh?.position, at: elapsed)
        process.publisher.publication.take(process.memory.findings(at: reading(of: process)))
        let totals = process.publisher.publication.totals(now: time)
        if let totals {
            if refresh != nil { checkAhead(totals, at: time, by: process) }
            if let refresh {
                process.publisher.note(
                    refresh, now: time, current: totals.currentMinute, shape: shape, truths: truths,
                    halfWritten: shape.shards.indices.map { mayDiffer($0, totals, for: process) },
                    keepsLastGood: shape.regions.map {
                        totals.degradations.contains(Degradation(.storeLoss, region: $0))
                    })
            }
            check(totals, by: process, isLast: isLast)
        } else if isLast {
            fail("headquarters \(process.number) publishes nothing at the end")
        }
        notifyViewers(totals, by: process)
    }

    /// What is shown by now, whatever the store does.
    func report(_ process: HeadquartersProcess) {
        process.publisher.publication.take(process.memory.findings(at: reading(of: process)))
        let totals = process.publisher.publication.totals(now: present(of: process))
        if let totals { check(totals, by: process, isLast: false) }
        notifyViewers(totals, by: process)
    }

    /// As the publisher's owner: drops the watermarks of regions that lost minutes.
    private func fillAgain(_ losses: [RegionID: [Minute]], _ process: HeadquartersProcess) {
        for (id, minutes) in losses.sorted(by: { $0.key < $1.key }) {
            guard let region = shape.region(id), !isOld(process) else { continue }
            probes.hit(.lossNoticed)
            process.site.filledAgainAt = elapsed
            if isHealed {
                process.fillsSinceHealed[region, default: 0] += 1
                if process.fillsSinceHealed[region, default: 0] > 2 {
                    fail("headquarters \(process.number) has \(id) filled again and again")
                }
            }
            trace("headquarters \(process.number) has \(id) filled again, it lost \(minutes.count)")
            let shards = Array(shape.shardsOfRegion[region])
            for shard in shards { process.site.store.dropWatermark(shard) }
            process.site.store.repair(minutes.map(\.number))
            noteStoreLoss(shards: shards, at: process.site)
            process.publisher.publication.areFilledAgain([id])
        }
    }

    /// Whether a shard's buckets may be others than its watermark says: written in part, spoilt, or
    /// lost where this publisher cannot know better.
    private func mayDiffer(
        _ shard: Int, _ totals: PublishedTotals, for process: HeadquartersProcess
    ) -> Bool {
        let site = process.site
        if site.checks[shard].partialUntil > 0 { return true }
        // The last good value that is kept and labelled may be a damaged one.
        let loss = Degradation(.storeLoss, region: shape.shards[shard].id.region)
        if totals.degradations.contains(loss), !site.checks[shard].spoiledOnce.isEmpty {
            return true
        }
        guard !site.checks[shard].spoiled.isEmpty else { return false }
        guard let held = process.publisher.held[shard] else { return true }
        return held.contains { site.store.changes[$0.key, 0].settled > $0.value }
    }

    private func check(
        _ totals: PublishedTotals, by process: HeadquartersProcess, isLast: Bool
    ) {
        if let before = process.publisher.dataAsOf, totals.dataAsOf < before {
            fail("data_as_of ran backwards")
        }
        process.publisher.dataAsOf = totals.dataAsOf
        for (region, total) in totals.regions.enumerated() {
            check(
                total, number: region, current: totals.currentMinute,
                isDegraded: totals.isDegraded,
                isIncomplete: totals.degradations.contains(
                    Degradation(.incomplete, region: total.region)), by: process)
        }
        if !totals.isDegraded { checkFreshness(totals, by: process) }
        if isLast { checkLast(totals, by: process) }
    }

    /// A region's total is the second fold at the watermarks last shown in full; while it recovers,
    /// it may be more, for what is back is shown.
    private func check(
        _ total: PublishedTotals.RegionTotal, number region: Int, current: Minute,
        isDegraded: Bool, isIncomplete: Bool, by process: HeadquartersProcess
    ) {
        let first = current.advanced(by: 1 - Limits.windowMinutes)
        if process.publisher.regions[region].isReplaced { probes.hit(.replacementAwaited) }
        guard process.publisher.regions[region].isWhole else {
            // Values without a watermark may be shown, but not as if they were known.
            if !isDegraded { fail("\(total.region) lacks a shard and is not degraded") }
            return
        }
        if !isDegraded, process.publisher.regions[region].valuesFrom > first {
            fail("\(total.region) lacks values of its window and is not degraded")
        }
        // A window that lags behind what the store keeps is of another day.
        // Only a total that is labelled as incomplete may lack unproven money.
        let isProven = process.publisher.regions[region].idsFrom <= first || !isIncomplete
        guard process.publisher.regions[region].exactFrom <= first, isProven,
            first.number >= max(process.site.store.firstMinute, firstTaken),
            process.publisher.regions[region].isBehind == total.isRecovering
        else { return }
        // A second HQ may have been told of the other log.
        if process.site.number > 0,
            shape.shardsOfRegion[region].contains(where: { atlas.isForeign[$0] })
        {
            return
        }
        if process.publisher.regions[region].idsFrom > first { probes.hit(.seededWindowShown) }
        // A half written step shows buckets ahead of their watermark until it is repeated.
        guard !process.publisher.regions[region].isHalfWritten else { return }
        if total.isRecovering { probes.hit(.publisherKeptLastGood) }
        let expected = process.publisher.expected(region: region, current: current)
        for (column, currency) in options.currencies.enumerated() {
            let shown = total.currencies.first { $0.currency == currency }
            let amount = shown?.amount ?? 0
            if total.isRecovering, amount >= Int128(expected[column].settled),
                shown?.transfers ?? 0 >= Int128(expected[column].transfers)
            {
                continue
            }
            guard
                amount != Int128(expected[column].settled)
                    || (shown?.transfers ?? 0) != Int128(expected[column].transfers)
            else { continue }
            tally.minorUnitsWrong += UInt64(
                clamping: (amount - Int128(expected[column].settled)).magnitude)
            fail(
                """
                headquarters \(process.number) shows \(amount) \(currency) for \(total.region), \
                \(expected[column].settled) is right\
                \(total.isRecovering ? " while it recovers" : "")
                """)
        }
    }

    /// Money of minutes that have not come is labelled, and nothing else is labelled so.
    private func checkAhead(
        _ totals: PublishedTotals, at time: UnixTime, by process: HeadquartersProcess
    ) {
        // A window that waits for a full read has taken nothing of this one.
        guard process.publisher.publication.readPosition != nil else { return }
        for (region, id) in shape.regions.enumerated() {
            let isLabelled = totals.degradations.contains(Degradation(.ahead, region: id))
            guard isLabelled != hasMoneyAhead(region, at: time, process.site) else { continue }
            // While it recovers, or where keys vanish unseen, what it had before may be labelled.
            let isRecovering = totals.degradations.contains {
                $0.region == id && [.storeRefilling, .storeLoss].contains($0.reason)
            }
            if isLabelled, isRecovering || options.keyLossWait > 0 { continue }
            fail("\(id) is \(isLabelled ? "" : "not ")said to have money ahead")
        }
    }

    private func hasMoneyAhead(_ region: Int, at time: UnixTime, _ site: Site) -> Bool {
        let first = NaiveFold.minute(time.milliseconds) + 6
        return shape.shardsOfRegion[region].contains { shard in
            guard site.store.counts(shape.shards[shard].id) else { return false }
            let table = site.store.buckets[shard]
            return (table.row(from: first)..<table.minutes.count).contains { row in
                options.currencies.indices.contains {
                    !table.value(row: row, column: $0).isZero
                }
            }
        }
    }

    /// Every record appended before `data_as_of` is in an answer that is not degraded.
    private func checkFreshness(_ totals: PublishedTotals, by process: HeadquartersProcess) {
        // What HQ takes for the present, regions say they have seen it through.
        let tolerance = process.site.lead
        for shard in shape.shards.indices where !atlas.isForeign[shard] {
            let region = process.publisher.regions[shape.shards[shard].region]
            guard region.counts[shape.shards[shard].local] else { continue }
            let shown = region.shown[shape.shards[shard].local] ?? 0
            let place = logs[shard].place(of: shown)
            guard place < logs[shard].entries.count else { continue }
            if logs[shard].entries[place].appendedAt + tolerance < totals.dataAsOf.milliseconds {
                fail(
                    """
                    data_as_of is \(totals.dataAsOf.milliseconds), but offset \
                    \(logs[shard].entries[place].offset) of \(shape.shards[shard].id) is older \
                    and not shown
                    """)
            }
        }
    }

    /// At the end nothing is left to degrade the answer but what the world destroyed.
    private func checkLast(_ totals: PublishedTotals, by process: HeadquartersProcess) {
        guard !options.isRelayed else { return }
        for degradation in totals.degradations {
            let named = degradation.region.flatMap { shape.region($0) }
            if let named, shape.shardsOfRegion[named].contains(where: { atlas.isForeign[$0] }) {
                continue
            }
            switch degradation.reason {
            case .incomplete:
                let region = named ?? 0
                if shape.shardsOfRegion[region].contains(where: { atlas.mayDeclareGap($0) }) {
                    continue
                }
                // Seeded minutes: whether their claims have a reason is checked by shard.
                let first = totals.currentMinute.advanced(by: 1 - Limits.windowMinutes)
                if process.publisher.regions[region].idsFrom > first { continue }
            // Checked by itself.
            case .ahead: continue
            // `data_as_of` is ahead of the present, because HQ's clock was: the label is right.
            case .regionLagging: if totals.dataAsOf.milliseconds > now { continue }
            // More than one in twenty of the world's records may be bad.
            case .rejecting, .lateMoney: continue
            // Each process that reads less than it showed requests one refill.
            case .storeLoss, .storeRefilling:
                if let last = process.site.filledAgainAt,
                    elapsed < last + 2 * options.publishWait + 60_000
                {
                    continue
                }
            // A difference healed through another process expires after five minutes.
            case .drift:
                if let last = process.foundDriftAt, elapsed < last + 300_000 { continue }
            // A late copy of a request counts as its sender's clock for a minute.
            case .skew:
                if let last = process.heardWrongAt, elapsed < last + 60_000 { continue }
            default: break
            }
            fail(
                """
                still degraded at the end: \(degradation.reason.rawValue) of \
                \(degradation.region.map { "\($0)" } ?? "all"), seen through \
                \(totals.dataAsOf.milliseconds - now) ms from now
                """)
        }
    }
}
