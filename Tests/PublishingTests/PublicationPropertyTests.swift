import CivilTime
import DeltaProtocol
import Hashing
import Identifiers
import Money
import Publishing
import Testing

/// Compares the publisher with a model that keeps whole states and recomputes sums every turn.
@Suite struct PublicationPropertyTests {
    @Test(
        "Random commits, wipes, rollbacks and clocks: totals equal the model's", arguments: 0..<60
    )
    func equalsModel(seed: UInt64) throws {
        var run = PublicationRun(seed: seed)
        for step in 0..<150 {
            try run.step(step)
        }
        let recoveries = run.recoveriesBefore + run.publication.counters.recoveries
        #expect(run.recoveriesSeen == recoveries, "seed \(seed)")
        #expect(run.selfChecksBefore + run.publication.counters.selfChecks > 0, "seed \(seed)")
        #expect(run.publication.counters.selfCheckMismatches == 0, "seed \(seed)")
    }

    @Test("The runs cover the interesting cases")
    func exercises() throws {
        var recoveries = 0
        var restarts = 0
        var keptForLostHistory = 0
        var slides = 0
        var refilledMinutes = 0
        for seed in UInt64(0)..<30 {
            var run = PublicationRun(seed: seed)
            for step in 0..<150 { try run.step(step) }
            recoveries += run.recoveriesBefore + run.publication.counters.recoveries
            restarts += run.restarts
            keptForLostHistory += run.turnsWithLostHistory
            slides += run.slides
            refilledMinutes += run.refilledMinutes
        }
        #expect(recoveries > 50)
        #expect(restarts > 50)
        #expect(keptForLostHistory > 50)
        #expect(slides > 500)
        #expect(refilledMinutes > 500)
    }
}

/// One seeded run of a store, the publisher, and the model.
struct PublicationRun {
    static let log = LogID("main")!
    static let currencies = ["EUR", "JPY", "USD"].map { Currency(code: $0)! }
    static let partitions: Int32 = 2

    let regions = ["ap", "eu"].map { RegionID($0)! }
    let shards: [ShardID]
    let seed: UInt64
    var random: SplitMix64
    var store: SimulatedStore
    var backup: SimulatedStore?
    var publication: Publication
    var now = UnixTime(seconds: 1_774_445_000)
    var latest = UnixTime(seconds: 1_774_445_000)

    // The model.
    var shown: [RegionID: SimulatedStore.Content] = [:]
    var marks: [ShardID: (watermark: Int, completeFrom: Minute)] = [:]
    var recoveringSince: [RegionID: Minute] = [:]
    var greatest: UnixTime?
    var current: Minute?
    var last: PublishedTotals?
    var recoveriesSeen = 0
    var turnsWithLostHistory = 0
    var refilledMinutes = 0
    var slides = 0

    // What is kept for a restart, brought up by changes as a file is.
    var kept: PublicationCheckpoint?
    var keptUpTo: ChangePosition?
    var restarts = 0
    var recoveriesBefore = 0
    var selfChecksBefore = 0

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        shards = regions.flatMap { region in
            (0..<Self.partitions).map {
                ShardID(region: region, log: Self.log, partition: $0)
            }
        }
        store = SimulatedStore(shards: shards, partitions: Self.partitions)
        publication = Publication(
            settings: PublicationSettings(
                regions: regions.map { .init(id: $0, currentLogs: [Self.log]) },
                currencies: Set(Self.currencies)))
    }

    mutating func step(_ step: Int) throws {
        moveClock()
        store.retainedFrom = max(
            store.retainedFrom, latest.minute.advanced(by: 1 - Limits.retainedMinutes))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<4: store.wipe(newID: "\(step)")
        case 4..<8: rollBack()
        case 8..<14: backup = store
        case 14..<24: commitOne(losingHistory: true)
        case 24..<30:
            for id in shards { commit(id, losingHistory: false) }
        default: commitOne(losingHistory: false)
        }
        if Int.random(in: 0..<25, using: &random) == 0 { try restart() }
        if Int.random(in: 0..<10, using: &random) == 0 {
            publication.storeIsUnreachable()
        } else {
            let refresh = store.refresh(since: publication.readPosition, regions: regions)
            publication.take(refresh, now: now)
            take()
        }
        try compare()
        if Int.random(in: 0..<3, using: &random) == 0 { try keep() }
    }

    /// Stops the process in order and restarts it from its kept state.
    private mutating func restart() throws {
        try keep()
        guard let kept else { return }
        restarts += 1
        recoveriesBefore += publication.counters.recoveries
        selfChecksBefore += publication.counters.selfChecks
        publication = Publication(settings: publication.settings, restoring: kept)
        keptUpTo = nil
    }

    private mutating func keep() throws {
        guard let next = publication.checkpoint(since: keptUpTo, now: now) else { return }
        if next.isWhole {
            kept = next
        } else {
            kept?.apply(next)
        }
        keptUpTo = publication.changesEnd
        // All that a restart shows, but for minutes that have left the window since.
        var whole = try #require(publication.checkpoint(since: nil, now: now))
        var mine = try #require(kept)
        let first = whole.currentMinute.advanced(by: -1_439)
        for index in whole.regions.indices {
            whole.regions[index].minutes.removeAll { $0.minute < first }
            mine.regions[index].minutes.removeAll { $0.minute < first }
        }
        try #require(mine == whole, "seed \(seed)")
    }

    private mutating func moveClock() {
        let milliseconds: Int64 =
            switch Int.random(in: 0..<20, using: &random) {
            case 0: Int64.random(in: -300_000..<0, using: &random)
            case 1: Int64.random(in: 0..<(400 * 60_000), using: &random)
            case 2: Int64.random(in: 0..<(3 * 1_440 * 60_000), using: &random)
            default: Int64.random(in: 0..<90_000, using: &random)
            }
        now = now + milliseconds
        latest = max(latest, now)
    }

    private mutating func rollBack() {
        guard let backup, backup.storeID == store.storeID else { return }
        let logs = store.logs
        let retainedFrom = store.retainedFrom
        store = backup
        store.logs = logs
        store.retainedFrom = retainedFrom
        // A reader notices a failover by its connection.
        publication.storeIsUnreachable()
    }

    private mutating func commitOne(losingHistory: Bool) {
        commit(shards.randomElement(using: &random)!, losingHistory: losingHistory)
    }

    private mutating func commit(_ id: ShardID, losingHistory: Bool) {
        for _ in 0..<Int.random(in: 0..<8, using: &random) {
            let age =
                Bool.random(using: &random)
                ? Int.random(in: -5..<30, using: &random)
                : Int.random(in: 0..<1_520, using: &random)
            store.logs[id]!.append(
                LogEvent(
                    minute: latest.minute.advanced(by: -age),
                    currency: Self.currencies.randomElement(using: &random)!,
                    amount: Int64.random(in: 1..<(1 << 40), using: &random)))
        }
        let before = store.shards[id]
        let end = store.logs[id]!.count
        // A node that refills a lost shard may first send part of its former content.
        let coverage = Int.random(in: (before?.watermark ?? 0)...end, using: &random)
        let lost = latest.minute.advanced(by: -Int.random(in: 0..<1_500, using: &random))
        store.commit(
            id,
            SimulatedStore.Shard(
                watermark: Bool.random(using: &random) ? end : coverage,
                completeFrom: losingHistory && before == nil
                    ? lost : before?.completeFrom ?? Minute(0),
                observedThrough: now - Int64.random(in: 0..<60_000, using: &random),
                receivedAt: now))
    }

    // MARK: The model

    private mutating func take() {
        for shard in store.shards.values {
            guard let observed = shard.observedThrough else { continue }
            greatest = max(greatest ?? observed, min(observed, now))
        }
        guard advance() else { return }
        for region in regions { takeRegion(region) }
    }

    private mutating func advance() -> Bool {
        guard let greatest else { return false }
        let bound = min(now.minute, greatest.minute.advanced(by: 1))
        if let current, bound > current { slides += 1 }
        current = max(current ?? bound, bound)
        return true
    }

    private mutating func takeRegion(_ region: RegionID) {
        let ids = shards.filter { $0.region == region }
        if let since = recoveringSince[region], since.distance(to: current!) >= 1_440 {
            for id in ids { marks[id] = nil }
        }
        var liveFrom = Minute(.min)
        for id in ids {
            guard let mark = marks[id] else { continue }
            guard let shard = store.shards[id], shard.watermark >= mark.watermark else {
                if recoveringSince[region] == nil {
                    recoveringSince[region] = current
                    recoveriesSeen += 1
                }
                showRefilled(region, ids)
                return
            }
            if shard.completeFrom > mark.completeFrom {
                liveFrom = max(liveFrom, shard.completeFrom)
            }
        }
        recoveringSince[region] = nil
        for id in ids {
            guard let shard = store.shards[id] else { continue }
            marks[id] = (
                shard.watermark,
                min(marks[id]?.completeFrom ?? shard.completeFrom, shard.completeFrom)
            )
        }
        let kept = (shown[region] ?? [:]).filter { $0.key < max(liveFrom, store.retainedFrom) }
        if liveFrom > store.retainedFrom { turnsWithLostHistory += 1 }
        shown[region] = store.content(of: region).filter { $0.key >= liveFrom }
            .merging(kept) { live, _ in live }
    }

    /// While some shard is missing: minutes that are worth no less than before are shown, and what
    /// is shown of returned shards becomes part of their marks.
    private mutating func showRefilled(_ region: RegionID, _ ids: [ShardID]) {
        for id in ids {
            guard let shard = store.shards[id], shard.watermark >= marks[id]?.watermark ?? 0 else {
                continue
            }
            let earlier = marks[id]?.completeFrom ?? shard.completeFrom
            marks[id] = (shard.watermark, min(earlier, shard.completeFrom))
        }
        for (minute, values) in store.content(of: region) {
            let before = shown[region]?[minute] ?? [:]
            let isLess = before.contains { currency, value in
                let now = values[currency] ?? .zero
                return now.settled < value.settled || now.transfers < value.transfers
            }
            if isLess { continue }
            shown[region, default: [:]][minute] = values
            refilledMinutes += 1
        }
    }

    private mutating func compare() throws {
        let totals = publication.totals(now: now)
        guard advance(), let current else {
            #expect(totals == nil, "seed \(seed)")
            return
        }
        guard let totals else { return }
        let window = current.advanced(by: -1_439)...current
        var expected: [Currency: (amount: Int128, transfers: Int128)] = [:]
        for region in regions {
            for (minute, values) in shown[region] ?? [:] where window.contains(minute) {
                for (currency, value) in values {
                    expected[currency, default: (0, 0)].amount += Int128(value.settled)
                    expected[currency, default: (0, 0)].transfers += Int128(value.transfers)
                }
            }
        }
        let list = expected.sorted { $0.key < $1.key }.map {
            PublishedTotals.CurrencyTotal(
                currency: $0.key, amount: $0.value.amount, transfers: $0.value.transfers)
        }
        try #require(totals.currencies == list, "seed \(seed)")
        try #require(totals.currentMinute == current, "seed \(seed)")
        for region in regions {
            let isRecovering = recoveringSince[region] != nil
            let labelled = totals.degradations.contains {
                $0.region == region && [.storeRefilling, .storeLoss].contains($0.reason)
            }
            try #require(labelled == isRecovering, "seed \(seed)")
        }
        if let last {
            try #require(totals.dataAsOf >= last.dataAsOf, "seed \(seed)")
            try #require(totals.currentMinute >= last.currentMinute, "seed \(seed)")
            if totals.currentMinute == last.currentMinute {
                // All amounts are positive, so no total may fall within one minute.
                for before in last.currencies {
                    let after = totals.currencies.first { $0.currency == before.currency }
                    try #require((after?.amount ?? 0) >= before.amount, "seed \(seed)")
                }
            }
        }
        last = totals
    }
}
