import CivilTime
package import Money

/// Everything that distinguishes one seed's world: parameters drawn to their extremes, and the
/// faults that may occur. It also prevents combinations of faults after which a world could not
/// show what its checks demand.
package struct SeedOptions: Sendable {
    package let seed: UInt64
    /// Milliseconds since 1970 when the live part begins.
    var startedAt: Int64 = 0
    /// By code.
    package var currencies: [Currency] = []
    /// The currency whose source counts one digit more than ISO 4217; nil for none.
    var finerColumn: Int?
    /// By region and log, the number of partitions.
    var partitions: [[Int32]] = []
    var nodesPerRegion = 2
    /// Processes of the first HQ.
    var headquarters = 1
    /// HQs, each with a store of its own.
    var sites = 1
    /// The number of letters in flight that holds a node back.
    var lettersMax = 20_000
    /// Of 1,000 letters, those with a slow topic, and those that their topic refuses.
    var slowLetterShare = 0
    var refusedLetterShare = 0
    /// Mean wait between two corrections requested at HQ; 0 for none.
    var commandWait: Int64 = 0
    /// Mean wait between two graceful stops; 0 for none.
    var stopWait: Int64 = 0
    /// True if a push of several shards is sent in parts.
    var splitsPushes = false
    /// True if money is written into the store behind HQ's back.
    var isSpoilt = false
    /// Mean wait between two losses of single keys of the store; 0 for none.
    var keyLossWait: Int64 = 0
    /// When each region's second log, if it has one, continues the first, in milliseconds of the
    /// live part; nil if both are written all the time.
    var continuedAt: Int64?
    /// The same if the second log replaces the first. The region's processes and HQ's replicas
    /// learn of it one by one.
    var replacedAt: Int64?
    /// When the last log of the first region gets one more partition than its id allows, in
    /// milliseconds of the live part; nil for never.
    var partitionAddedAt: Int64?
    /// True if HQ's files state the logs' partition counts.
    var declaresPartitions = true
    /// Of 1,000 steps of a large commit, those after which its writer is cut off.
    var fillingCutShare = 0

    /// How long the logs were written before the live part.
    var historyMinutes: Int64 = 0
    var historyRecords = 0
    var liveMinutes: Int64 = 0
    /// Means of exponential waits, in milliseconds.
    var recordWait: Int64 = 0
    var faultWait: Int64 = 0
    var tickWait: Int64 = 0
    /// The publisher's longest pause, in milliseconds.
    var publishWait: Int64 = 0
    var storeWait: Int64 = 0
    var networkWait: Int64 = 0
    /// The longest time for which a node acts on an outdated assignment.
    var zombieMilliseconds: Int64 = 0
    var requestTimeout: Int64 = 0
    /// Maximum records in one poll.
    var batch = 1
    /// Of 1,000 messages.
    var lossShare = 0
    var duplicateShare = 0
    var truncateShare = 0
    /// Of 1,000 records, those followed by unused offsets.
    var holeShare = 0
    /// Of 1,000 polls, those that begin below the coverage.
    var redeliveryShare = 0
    /// Weights by `RecordKind`.
    var mix: [Int] = []
    var faults: [FaultKind] = []

    /// True if one partition has only a record that is 30 h old, for half of the live part.
    var hasIdlePartition = false
    /// True if a relay's markers bound observed-through.
    var isRelayed = false
    /// True if the broker can look up offsets by time.
    var answersTimes = true
    /// How much earlier than a preceding stamp a stamp may be, by the topic's setting, in
    /// milliseconds. Stamps that are wrong by more occur only if logs are never trimmed, because a
    /// cut log's first stamp shows how much of the past it holds.
    var disorder: Int64 = 0

    package init(seed: UInt64) {
        self.seed = seed
        var random = RandomStream(seed: seed, part: .options)
        drawShape(&random)
        drawPace(&random)
        drawMix(&random)
        drawFaults(&random)
        var more = RandomStream(seed: seed, part: .sites)
        drawMore(&more)
    }

    /// Draws from a separate stream, so that the older options of a seed stay the same.
    private mutating func drawMore(_ random: inout RandomStream) {
        if random.happens(perMille: 300) { sites = 2 }
        if historyMinutes == 0 { hasIdlePartition = random.happens(perMille: 100) }
        lettersMax = random.pick([2, 10, 20_000])
        slowLetterShare = random.pick([0, 100, 400])
        refusedLetterShare = random.pick([0, 0, 50])
        if random.happens(perMille: 350) { commandWait = random.pick([30_000, 90_000]) }
        if random.happens(perMille: 400) { stopWait = random.pick([60_000, 180_000]) }
        splitsPushes = random.happens(perMille: 300)
        // If logs are cut, a node can only trust HQ's values and carries them on.
        let isKnown = !faults.contains { [.recreateLog, .trimLog, .loseHistory].contains($0) }
        isSpoilt = random.happens(perMille: 200) && isKnown
        var keys = RandomStream(seed: seed, part: .keys)
        if keys.happens(perMille: 300), isKnown { keyLossWait = keys.pick([15_000, 120_000]) }
        fillingCutShare = keys.pick([0, 20, 200])
        var continuation = RandomStream(seed: seed, part: .continuation)
        drawContinuation(&continuation)
        var topology = RandomStream(seed: seed, part: .topology)
        drawTopology(&topology)
    }

    /// When the regions' second logs continue or replace the first ones.
    var movedOnAt: Int64? { continuedAt ?? replacedAt }

    private mutating func drawTopology(_ random: inout RandomStream) {
        guard continuedAt == nil, !faults.contains(.recreateLog) else { return }
        if partitions.contains(where: { $0.count > 1 }) {
            guard random.happens(perMille: 400) else { return }
            replacedAt = random.within(0...liveMinutes * 40_000)
        } else if random.happens(perMille: 100) {
            partitionAddedAt = random.within(30_000...liveMinutes * 40_000)
            declaresPartitions = random.happens(perMille: 500)
            // All records that HQ refused meanwhile must arrive within the time of healing.
            (batch, lettersMax) = (max(batch, 20), max(lettersMax, 10))
            // An empty store learns the count from its first commit.
            if !declaresPartitions {
                faults.removeAll { [.wipeStore, .rollBackStore, .loseHistory].contains($0) }
            }
        }
    }

    private mutating func drawContinuation(_ random: inout RandomStream) {
        guard partitions.contains(where: { $0.count > 1 }), !faults.contains(.recreateLog),
            random.happens(perMille: 400)
        else { return }
        continuedAt = random.within(0...liveMinutes * 40_000)
        // The first record's stamp decides which transfers may be in the previous log too.
        mix[RecordKind.badStamp.rawValue] = 0
        mix[RecordKind.wrongClock.rawValue] = 0
        faults.removeAll { $0 == .slowBrokerClock }
        // With disordered stamps, a node that starts after that record would claim slightly more
        // than the second fold does.
        if faults.contains(.trimLog) || faults.contains(.loseHistory) { disorder = 0 }
    }

    private mutating func drawShape(_ random: inout RandomStream) {
        // Any minute of a year, so that minutes use ring slots everywhere.
        startedAt = 1_767_225_600_000 + random.within(0...525_599) * 60_000
        startedAt += random.within(0...59_999)
        let codes = ["EUR", "GBP", "IQD", "JPY", "KWD", "USD"]
        let count = random.within(2...codes.count)
        currencies = codes.prefix(count).compactMap { Currency(code: $0) }.sorted()
        if random.happens(perMille: 250) { finerColumn = random.below(count) }
        for _ in 0..<2 {
            let isSplit = random.happens(perMille: 300)
            partitions.append(
                isSplit ? [1, Int32(random.within(1...2))] : [Int32(random.within(2...3))])
        }
        headquarters = random.within(1...2)
        isRelayed = random.happens(perMille: 200)
        answersTimes = random.happens(perMille: 750)
    }

    private mutating func drawPace(_ random: inout RandomStream) {
        switch random.below(10) {
        case 0..<4: break
        case 4..<6: (historyMinutes, historyRecords) = (random.within(5...300), 60)
        case 6..<8: (historyMinutes, historyRecords) = (random.within(1_500...1_900), 150)
        default: (historyMinutes, historyRecords) = (random.within(2_900...4_500), 220)
        }
        liveMinutes = random.within(5...12)
        recordWait = random.pick([4_000, 8_000, 15_000])
        tickWait = random.pick([3_000, 5_000, 7_000])
        publishWait = random.pick([10_000, 30_000])
        storeWait = random.pick([2, 50, 1_000])
        networkWait = random.pick([10, 200, 2_000])
        zombieMilliseconds = random.pick([1_000, 20_000, 120_000])
        requestTimeout = random.within(3_000...12_000)
        batch = random.pick([2, 20, 500])
        lossShare = random.pick([0, 50, 300])
        duplicateShare = random.pick([0, 100, 500])
        truncateShare = random.pick([0, 30])
        holeShare = random.pick([0, 100])
        redeliveryShare = random.pick([0, 100])
        faultWait = random.pick([20_000, 40_000, 90_000])
    }

    private mutating func drawMix(_ random: inout RandomStream) {
        mix = RecordKind.allCases.map { kind in
            switch kind {
            case .fresh: 100
            case .marker: isRelayed ? 40 : 2
            case .imprecise: finerColumn == nil ? 0 : random.pick([0, 3])
            default: random.pick([0, 3, 10])
            }
        }
    }

    private mutating func drawFaults(_ random: inout RandomStream) {
        faults = FaultKind.allCases.filter { kind in
            switch kind {
            case .sleep: random.happens(perMille: 250)
            case .trimLog: random.happens(perMille: 400)
            case .loseHistory: random.happens(perMille: 200)
            case .jumpNodeClock, .jumpHeadquartersClock: random.happens(perMille: 250)
            case .startWithWrongClock, .slowBrokerClock: random.happens(perMille: 150)
            case .hangTransaction: random.happens(perMille: 200)
            case .groupDown: random.happens(perMille: 60)
            case .upgradeRegion, .strayMoney: random.happens(perMille: 300)
            case .recreateLog: random.happens(perMille: 60)
            default: random.happens(perMille: 600)
            }
        }
        if faults.contains(.recreateLog) {
            faults.removeAll { FaultKind.forgetful.contains($0) }
        }
        let cuts = faults.contains(.trimLog) || faults.contains(.loseHistory)
        if cuts {
            mix[RecordKind.badStamp.rawValue] = 0
            mix[RecordKind.wrongClock.rawValue] = 0
            mix[RecordKind.noStamp.rawValue] = 0
            disorder = random.pick([0, 0, 20, 60]) * 60_000
            // This broker's stamps would come after later ones.
            faults.removeAll { $0 == .slowBrokerClock }
        }
    }
}

extension SeedOptions: CustomStringConvertible {
    /// Every option, for reproducing a seed.
    package var description: String {
        let mixed = zip(RecordKind.allCases, mix).filter { $0.1 > 0 }.map { "\($0.0):\($0.1)" }
        return """
            seed \(seed)
              starts at \(UnixTime(milliseconds: startedAt).milliseconds) ms, \
            history \(historyMinutes) min with \(historyRecords) records, live \(liveMinutes) min
              currencies \(currencies.map(\.code).joined(separator: " ")), \
            finer source \(finerColumn.map { currencies[$0].code } ?? "none")
              partitions by region and log \(partitions), nodes \(nodesPerRegion), \
            headquarters \(sites), processes of the first \(headquarters)
              letters at most \(lettersMax), per mille slow \(slowLetterShare) refused \
            \(refusedLetterShare); a correction asked for every \(commandWait) ms; stopped in \
            order every \(stopWait) ms; pushes in parts \(splitsPushes); \
            store spoilt \(isSpoilt), keys lost every \(keyLossWait) ms, \
            per mille of steps cut \(fillingCutShare); \
            logs continued at \(continuedAt.map { "\($0) ms" } ?? "never"), \
            replaced at \(replacedAt.map { "\($0) ms" } ?? "never"), \
            a partition added at \(partitionAddedAt.map { "\($0) ms" } ?? "never"), \
            counts declared \(declaresPartitions)
              relayed \(isRelayed), offsets by time \(answersTimes), disorder \(disorder) ms
              waits in ms: record \(recordWait) tick \(tickWait) network \(networkWait) \
            store \(storeWait) publish \(publishWait) fault \(faultWait)
              zombie up to \(zombieMilliseconds) ms, request timeout \(requestTimeout) ms, \
            batch \(batch)
              per mille: lost \(lossShare) duplicated \(duplicateShare) truncated \(truncateShare) \
            holes \(holeShare) redelivered \(redeliveryShare)
              records \(mixed.joined(separator: " "))
              faults \(faults.map { "\($0)" }.joined(separator: " "))
            """
    }
}
