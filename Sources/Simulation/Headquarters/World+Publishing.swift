import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Publishing

/// The publisher's turns, and what it must never show: a dip after a loss, a time that goes back, a
/// false claim of freshness.
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

    /// Reports what is shown now, whatever the store does.
    func report(_ process: HeadquartersProcess) {
        process.publisher.publication.take(process.memory.findings(at: reading(of: process)))
        let totals = process.publisher.publication.totals(now: present(of: process))
        if let totals { check(totals, by: process, isLast: false) }
        notifyViewers(totals, by: process)
    }

    /// Like the publisher's owner, drops the watermarks of regions that lost minutes.
    private func fillAgain(_ losses: [RegionID: [Minute]], _ process: HeadquartersProcess) {
        for (id, minutes) in losses.sorted(by: { $0.key < $1.key }) {
            guard let region = shape.region(id), !isOld(process) else { continue }
            probes.hit(.lossNoticed)
            process.site.filledAgainAt = elapsed
            if isHealed {
                process.fillsSinceHealed[region, default: 0] += 1
                if process.fillsSinceHealed[region, default: 0] > 2 {
                    fail("headquarters \(process.number) has \(id) refilled repeatedly")
                }
            }
            trace("headquarters \(process.number) has \(id) refilled, which lost \(minutes.count)")
            let shards = Array(shape.shardsOfRegion[region])
            for shard in shards { process.site.store.dropWatermark(shard) }
            process.site.store.repair(minutes.map(\.number))
            noteStoreLoss(shards: shards, at: process.site)
            process.publisher.publication.areFilledAgain([id])
        }
    }

    /// True if a shard's buckets may differ from its watermark's: partially written, spoilt, or
    /// lost without this publisher's knowledge.
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
            fail("data_as_of went back")
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

    /// A region's total equals the second fold at the watermarks last shown in full. While it
    /// recovers, it may be more, because recovered values are shown.
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
        // A window that lags behind the store's retention shows another day. Only a total labelled
        // as incomplete may lack unproven money.
        let isProven = process.publisher.regions[region].idsFrom <= first || !isIncomplete
        guard process.publisher.regions[region].exactFrom <= first, isProven,
            first.number >= max(process.site.store.firstMinute, firstTaken),
            process.publisher.regions[region].isBehind == total.isRecovering
        else { return }
        // A second HQ may have received the other log.
        if process.site.number > 0,
            shape.shardsOfRegion[region].contains(where: { atlas.isForeign[$0] })
        {
            return
        }
        if process.publisher.regions[region].idsFrom > first { probes.hit(.seededWindowShown) }
        // A half-written step shows buckets ahead of their watermark until it is repeated.
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

    /// Money of future minutes is labelled, and nothing else is.
    private func checkAhead(
        _ totals: PublishedTotals, at time: UnixTime, by process: HeadquartersProcess
    ) {
        // A window that waits for a full read has taken nothing from this one.
        guard process.publisher.publication.readPosition != nil else { return }
        for (region, id) in shape.regions.enumerated() {
            let isLabelled = totals.degradations.contains(Degradation(.ahead, region: id))
            guard isLabelled != hasMoneyAhead(region, at: time, process.site) else { continue }
            // While it recovers, or where keys vanish unseen, its earlier contents may be labelled.
            let isRecovering = totals.degradations.contains {
                $0.region == id && [.storeRefilling, .storeLoss].contains($0.reason)
            }
            if isLabelled, isRecovering || options.keyLossWait > 0 { continue }
            fail("\(id) is \(isLabelled ? "" : "not ")labelled as having money ahead")
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

    /// An answer that is not degraded includes every record appended before `data_as_of`.
    private func checkFreshness(_ totals: PublishedTotals, by process: HeadquartersProcess) {
        // Regions report observed-through in HQ's time, which may be ahead.
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

    /// At the end, only what the world destroyed may degrade the answer.
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
                // Seeded minutes: the check of each shard covers whether their claims are
                // justified.
                let first = totals.currentMinute.advanced(by: 1 - Limits.windowMinutes)
                if process.publisher.regions[region].idsFrom > first { continue }
            // Another check covers it.
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
