import Aggregation
import Federation

/// Faults and their ends.
extension World {
    private static let hour: Int64 = 3_600_000

    func injectFault() {
        guard !isHealed else { return }
        schedule(.fault, after: faultRandom.wait(mean: options.faultWait))
        guard !options.faults.isEmpty else { return }
        let kind = faultRandom.pick(options.faults)
        tally.faults += 1
        mix(Int64(kind.rawValue))
        trace("fault \(kind)")
        switch kind {
        case .crashNode, .pauseNode, .rebalance, .jumpNodeClock, .upgradeRegion:
            injectIntoRegion(kind)
        case .cutLink, .brokerOutage: injectIntoNetwork(kind)
        case .crashHeadquarters: crashHeadquarters(faultRandom.below(headquarters.count))
        case .jumpHeadquartersClock: jumpHeadquartersClock()
        case .crashAfterApply: armed.crashAfterApply = true
        case .failScript: armed.failScript = true
        case .loseScriptReply: armed.loseReply = true
        case .rollBackStore, .wipeStore, .storeOutage, .strayMoney: injectIntoStore(kind)
        case .trimLog: trim(faultRandom.below(shape.shards.count))
        case .sleep: sleep()
        case .loseHistory: loseHistory()
        case .recreateLog: recreateLog()
        }
    }

    private func outage() -> Int64 { 1_000 + faultRandom.wait(mean: 40_000) }

    // MARK: - Regions

    private func injectIntoRegion(_ kind: FaultKind) {
        let node = nodes[faultRandom.below(nodes.count)]
        switch kind {
        case .crashNode:
            if node.state != .down { crash(node) }
        case .pauseNode:
            if node.state == .running { pause(node, for: outage()) }
        case .rebalance: rebalance(region: node.region)
        case .jumpNodeClock: jumpClock(of: node)
        case .upgradeRegion:
            guard node.generation < Self.generations else { return }
            node.generation += 1
            // What HQ has by the settings before is no seed for a node by these.
            for shard in shape.shardsOfRegion[node.region] { atlas.lose(shard) }
            if node.state != .down { crash(node) }
        default: break
        }
    }

    private func crash(_ node: RegionNode) {
        if hasFolding(node) { probes.hit(.nodeCrashed) }
        node.stop()
        leaveGroup(node)
        schedule(.recover(.restart(node: node.number)), after: outage())
    }

    private func pause(_ node: RegionNode, for wait: Int64) {
        node.state = .paused
        leaveGroup(node)
        schedule(.recover(.resume(node: node.number)), after: wait)
    }

    private func leaveGroup(_ node: RegionNode) {
        groups[node.region].members.removeAll { $0 == node.number }
        rebalance(region: node.region)
    }

    private func start(_ node: RegionNode) {
        guard node.state == .down else { return }
        node.state = .running
        node.clockWasWrong = node.clockError != 0
        schedule(
            .learnAssignment(node: node.number, incarnation: node.incarnation),
            after: regionRandom.within(1...1_000))
    }

    private func resume(_ node: RegionNode) {
        guard node.state == .paused else { return }
        node.state = .running
        if !node.postponed.isEmpty { probes.hit(.nodeResumed) }
        let postponed = node.postponed
        node.postponed = []
        for event in postponed { schedule(event, after: 0) }
        schedule(
            .learnAssignment(node: node.number, incarnation: node.incarnation),
            after: regionRandom.within(1...(isHealed ? 1_000 : options.zombieMilliseconds)))
    }

    private func jumpClock(of node: RegionNode) {
        // How much of the past an empty log lacks is read from the clock alone.
        let isFar = options.hasBadStamps && faultRandom.happens(perMille: 300)
        let error = faultRandom.within(1_000...(isFar ? 24 * Self.hour : 240_000))
        node.clockError = faultRandom.happens(perMille: 500) ? error : -error
        node.clockWasWrong = true
        if isFar {
            // A shard that joins now may be read from too late on.
            for shard in shape.shardsOfRegion[node.region] { atlas.tear(shard) }
        }
        schedule(.recover(.nodeClock(node.number)), after: outage())
    }

    // MARK: - Between and at HQ

    private func injectIntoNetwork(_ kind: FaultKind) {
        let region = faultRandom.below(shape.regions.count)
        if kind == .brokerOutage {
            brokerIsReachable[region] = false
            return schedule(.recover(.broker(region: region)), after: outage())
        }
        switch faultRandom.below(3) {
        case 0: linkIsOpen[region] = Link(up: false)
        case 1: linkIsOpen[region] = Link(down: false)
        default: linkIsOpen[region] = Link(up: false, down: false)
        }
        schedule(.recover(.link(region: region)), after: outage())
    }

    func crashHeadquarters(_ number: Int) {
        let process = headquarters[number]
        guard process.isRunning else { return }
        process.isRunning = false
        process.incarnation += 1
        if !process.suspects.isEmpty { sumsAreDoubtful = true }
        process.suspects = []
        process.comparedOn = 0
        process.clockError = 0
        probes.hit(.headquartersCrashed)
        trace("headquarters \(number) is gone")
        schedule(.recover(.headquarters(number)), after: outage())
    }

    private func start(_ process: HeadquartersProcess) {
        guard !process.isRunning else { return }
        process.isRunning = true
        process.publisher = PublisherCheck(shape: shape, options: options)
        startTimers(of: process)
    }

    private func jumpHeadquartersClock() {
        let process = headquarters[faultRandom.below(headquarters.count)]
        let error = faultRandom.within(
            1_000...(faultRandom.happens(perMille: 300) ? 24 * Self.hour : 240_000))
        process.clockError = faultRandom.happens(perMille: 500) ? error : -error
        process.publisher.clockWasWrong = true
        schedule(.recover(.headquartersClock(process.number)), after: outage())
    }

    // MARK: - The store

    private func injectIntoStore(_ kind: FaultKind) {
        switch kind {
        case .rollBackStore:
            let steps = min(store.undoableSteps, faultRandom.within(1...30))
            guard steps > 0 else { return }
            store.rollBack(steps: steps)
            probes.hit(.storeRolledBack)
            // The repair of a failed script may be among what is lost.
            sumsAreDoubtful = true
            for shard in shape.shards.indices {
                checks[shard].partialUntil = checks[shard].partialOnce
            }
            noteStoreLoss(shards: Array(shape.shards.indices))
            trace("the store lost its last \(steps) steps")
        case .wipeStore:
            wipe()
        case .strayMoney:
            stray()
        default:
            storeIsReachable = false
            schedule(.recover(.store), after: outage())
        }
    }

    /// A refill must take out what no log accounts for, in buckets that it does not name too.
    private func stray() {
        let shard = faultRandom.below(shape.shards.count)
        guard store.stored(shard) != nil, checks[shard].partialUntil == 0 else { return }
        store.stray(
            shard, minute: NaiveFold.minute(now) - Int32(faultRandom.within(0...49)),
            column: faultRandom.below(options.currencies.count),
            amount: faultRandom.within(1...1 << 40))
        noteStoreLoss(shards: [shard])
        probes.hit(.strayMoney)
    }

    private func wipe() {
        if store.id != nil { probes.hit(.storeWiped) }
        store.wipe()
        sumsAreDoubtful = false
        for shard in shape.shards.indices {
            checks[shard].partialUntil = 0
            checks[shard].partialOnce = 0
        }
        noteStoreLoss(shards: Array(shape.shards.indices))
    }

    /// HQ has lost something of these shards.
    func noteStoreLoss(shards: [Int]) {
        for shard in shards {
            atlas.lose(shard)
            checks[shard].mustCompareAll = true
        }
    }

    // MARK: - Time and logs

    private func trim(_ shard: Int) {
        let entries = logs[shard].entries
        let first = logs[shard].place(of: logs[shard].low)
        guard entries.count - first > 2 else { return }
        let watermark = store.stored(shard)?.watermark ?? 0
        // Mostly the broker keeps what HQ has not got yet.
        let limit =
            faultRandom.happens(perMille: 850) ? watermark : entries[entries.count - 1].offset
        let place = first + faultRandom.below(entries.count - first)
        let cut = logs[shard].cut(notAfter: min(entries[place].offset, limit))
        guard cut > logs[shard].low else { return }
        logs[shard].trim(to: cut)
        atlas.cut(shard)
        if cut > watermark { atlas.tear(shard) }
        probes.hit(.logTrimmed)
        trace("\(shape.shards[shard].id) begins at \(cut) now")
    }

    /// All but the producers stand still, for up to 30 hours.
    private func sleep() {
        guard slept < 60 * Self.hour else { return }
        let length = faultRandom.within(60_000...30 * Self.hour)
        let count = Int64(faultRandom.within(0...30))
        for index in 0..<count { write(at: now + length * index / count) }
        slept += length
        probes.hit(.slept)
        trace("slept \(length / 60_000) minutes")
    }

    private func loseHistory() {
        let shard = faultRandom.below(shape.shards.count)
        let region = shape.shards[shard].region
        guard let owner = groups[region].owners[shape.shards[shard].local],
            nodes[owner].state == .running,
            case .folding(let host) = nodes[owner].slots[shape.shards[shard].local],
            host.fold.coverage == logs[shard].end
        else { return }
        mutedUntil[shard] = elapsed + 240_000
        pause(nodes[owner], for: faultRandom.within(30_000...150_000))
        let cut = logs[shard].cut(notAfter: logs[shard].end)
        if cut > logs[shard].low {
            logs[shard].trim(to: cut)
            atlas.cut(shard)
            probes.hit(.historyLost)
        }
        wipe()
    }

    private func recreateLog() {
        let shard = faultRandom.below(shape.shards.count)
        // Where HQ remembers the record before its watermark, the last of the log.
        guard !atlas.isForeign[shard], let stored = store.stored(shard), stored.watermark > 0,
            stored.watermark == logs[shard].end, stored.fingerprint != nil
        else { return }
        for node in nodes where node.region == shape.shards[shard].region && node.state != .down {
            crash(node)
        }
        author.recreate(&logs[shard])
        mutedUntil[shard] = .max
        atlas.replace(shard)
        trace("\(shape.shards[shard].id) is another log now")
    }

    // MARK: - Ends

    func recover(_ recovery: Recovery) {
        switch recovery {
        case .restart(let node): start(nodes[node])
        case .resume(let node): resume(nodes[node])
        case .link(let region): linkIsOpen[region] = Link()
        case .headquarters(let number): start(headquarters[number])
        case .store:
            storeIsReachable = true
            store.reconnect()
        case .broker(let region): brokerIsReachable[region] = true
        case .nodeClock(let node): nodes[node].clockError = 0
        case .headquartersClock(let number): headquarters[number].clockError = 0
        }
    }

    /// Ends all faults at once. What is wrong now must come right without anyone's help.
    func heal() {
        trace("healed")
        armed = Armed()
        for region in shape.regions.indices {
            linkIsOpen[region] = Link()
            brokerIsReachable[region] = true
        }
        if !storeIsReachable { recover(.store) }
        for process in headquarters {
            process.clockError = 0
            start(process)
        }
        for node in nodes {
            node.clockError = 0
            let newest = nodes.filter { $0.region == node.region }.map(\.generation).max()
            if let newest, node.generation < newest {
                node.generation = newest
                if node.state != .down { node.stop() }
            }
            start(node)
            resume(node)
        }
        if options.isRelayed { writeMarkers() }
        for region in shape.regions.indices {
            groups[region].members = nodes.filter { $0.region == region }.map(\.number)
            rebalance(region: region)
        }
    }
}
