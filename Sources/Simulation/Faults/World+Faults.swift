import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import RegionCore

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
        case .crashNode, .pauseNode, .rebalance, .jumpNodeClock, .upgradeRegion,
            .startWithWrongClock:
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
        case .hangTransaction: hangTransaction()
        case .slowBrokerClock: slowBrokerClock()
        case .groupDown: groupDown()
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
            // HQ's values by the previous settings cannot seed a node with the new ones.
            for shard in shape.shardsOfRegion[node.region] { atlas.lose(shard) }
            if node.state != .down { crash(node) }
        case .startWithWrongClock:
            guard node.state != .down else { return }
            crash(node)
            // Only ahead: a clock that is hours behind also holds back the present of a new HQ that
            // has heard no other, and both together underestimate when a cut log begins.
            node.clockError = near(
                faultRandom.within(Self.hour...60 * Self.hour),
                where: headquarters.contains { isHoursOff($0.clockError) })
            // The machine's clock is corrected some time after the start; the node's own clock does
            // not follow.
            schedule(.recover(.nodeClock(node.number)), after: 120_000 + outage())
        default: break
        }
    }

    /// A deployment's stop: the process pushes and commits the rest, leaves the group, and ends.
    func stopInOrder() {
        guard !isHealed else { return }
        schedule(.stop, after: letterRandom.wait(mean: options.stopWait))
        let process = nodes[letterRandom.below(nodes.count)]
        guard process.state == .running, !process.isStopping else { return }
        process.isStopping = true
        trace("\(process.name) is told to stop")
        for index in process.hosts.indices { tell(process, index, .stop) }
        scheduleTick(process, after: Self.busyWait)
    }

    /// The end of a graceful stop.
    func exit(_ process: NodeProcess) {
        process.stop()
        leaveGroup(process)
        schedule(
            .recover(.restart(node: process.number)), after: letterRandom.within(1_000...20_000))
    }

    func crash(_ node: NodeProcess) {
        if node.hosts.contains(where: { !$0.folded.isEmpty }) { probes.hit(.nodeCrashed) }
        node.stop()
        leaveGroup(node)
        schedule(.recover(.restart(node: node.number)), after: outage())
    }

    private func pause(_ node: NodeProcess, for wait: Int64) {
        node.state = .paused
        leaveGroup(node)
        schedule(.recover(.resume(node: node.number)), after: wait)
    }

    private func leaveGroup(_ node: NodeProcess) {
        for log in shape.logsOfRegion[node.region] {
            groups[log].members.removeAll { $0 == node.number }
        }
        rebalance(region: node.region)
    }

    private func start(_ node: NodeProcess) {
        guard node.state == .down else { return }
        begin(node)
        schedule(
            .learnAssignment(node: node.number, incarnation: node.incarnation),
            after: regionRandom.within(1...1_000))
    }

    private func resume(_ node: NodeProcess) {
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

    private func jumpClock(of node: NodeProcess) {
        let isFar = faultRandom.happens(perMille: 300)
        let error = near(
            faultRandom.within(1_000...(isFar ? 24 * Self.hour : 240_000)),
            where: headquarters.contains { isHoursOff($0.clockError) })
        node.clockError = faultRandom.happens(perMille: 500) ? error : -error
        schedule(.recover(.nodeClock(node.number)), after: outage())
    }

    /// If a region's clock and HQ's are both hours off, they agree with each other, and the error
    /// cannot be detected.
    private func near(_ error: Int64, where anotherIsFar: Bool) -> Int64 {
        anotherIsFar ? min(error, Self.nearMilliseconds) : error
    }

    private static let nearMilliseconds: Int64 = 240_000

    private func isHoursOff(_ error: Int64) -> Bool { error.magnitude > Self.nearMilliseconds }

    // MARK: - Between and at HQ

    private func injectIntoNetwork(_ kind: FaultKind) {
        let region = faultRandom.below(shape.regions.count)
        if kind == .brokerOutage {
            brokerIsReachable[region] = false
            return schedule(.recover(.broker(region: region)), after: outage())
        }
        let hq = anySite()
        switch faultRandom.below(3) {
        case 0: linkIsOpen[region][hq] = Link(up: false)
        case 1: linkIsOpen[region][hq] = Link(down: false)
        default: linkIsOpen[region][hq] = Link(up: false, down: false)
        }
        schedule(.recover(.link(region: region, hq: hq)), after: outage())
    }

    func crashHeadquarters(_ number: Int) {
        let process = headquarters[number]
        guard process.isRunning else { return }
        process.stop()
        probes.hit(.headquartersCrashed)
        trace("headquarters \(number) is gone")
        schedule(.recover(.headquarters(number)), after: outage())
    }

    private func start(_ process: HeadquartersProcess) {
        guard !process.isRunning else { return }
        process.isRunning = true
        process.publisher = PublisherCheck(
            shape: shape, options: options, topology: process.topology, at: elapsed)
        startTimers(of: process)
    }

    private func jumpHeadquartersClock() {
        let process = headquarters[faultRandom.below(headquarters.count)]
        let isFar = faultRandom.happens(perMille: 300)
        let error = near(
            faultRandom.within(1_000...(isFar ? 60 * Self.hour : 240_000)),
            where: nodes.contains { isHoursOff($0.clockError) || isHoursOff($0.clockErrorAtStart) })
        process.clockError = faultRandom.happens(perMille: 500) ? error : -error
        if process.clockError > 48 * Self.hour { probes.hit(.headquartersClockFarAhead) }
        schedule(.recover(.headquartersClock(process.number)), after: outage())
    }

    // MARK: - The store

    /// Draws only if there are several, so that worlds with one site stay the same.
    private func anySite() -> Int {
        sites.count == 1 ? 0 : siteRandom.below(sites.count)
    }

    private func injectIntoStore(_ kind: FaultKind) {
        let site = sites[anySite()]
        switch kind {
        case .rollBackStore:
            let steps = min(site.store.undoableSteps, faultRandom.within(1...30))
            guard steps > 0 else { return }
            site.store.rollBack(steps: steps)
            probes.hit(.storeRolledBack)
            // The repair of a failed script may be among the lost steps.
            site.sumsAreDoubtful = true
            for shard in shape.shards.indices {
                site.checks[shard].partialUntil = site.checks[shard].partialOnce
                site.checks[shard].spoiled = site.checks[shard].spoiledOnce
            }
            awaitAudit(at: site)
            noteStoreLoss(shards: Array(shape.shards.indices), at: site)
            trace("the store lost its last \(steps) steps")
        case .wipeStore:
            wipe(site)
        case .strayMoney:
            stray(at: site)
        default:
            site.isReachable = false
            schedule(.recover(.store(site.number)), after: outage())
        }
    }

    /// A refill must remove what no log accounts for, even in buckets that it omits.
    private func stray(at site: Site) {
        let shard = faultRandom.below(shape.shards.count)
        guard site.store.stored(shard) != nil, site.checks[shard].partialUntil == 0 else { return }
        let place = ShardTruth.Place(
            minute: NaiveFold.minute(now) - Int32(faultRandom.within(0...49)),
            column: faultRandom.below(options.currencies.count))
        site.store.stray(
            shard, minute: place.minute, column: place.column,
            amount: faultRandom.within(1...1 << 40))
        strays[shard].append(place)
        noteStoreLoss(shards: [shard], at: site)
        probes.hit(.strayMoney)
    }

    /// Money that only a digest finds: the audit must have the shard refilled by itself, and must
    /// cope with repeated damage.
    func spoil() {
        guard !isHealed else { return }
        schedule(.spoil, after: siteRandom.wait(mean: 45_000))
        let site = sites[anySite()]
        let shard = siteRandom.below(shape.shards.count)
        let minute = NaiveFold.minute(now) - Int32(siteRandom.within(0...49))
        guard site.isReachable,
            let stored = site.store.stored(shard),
            minute >= max(stored.claims.idsFrom, stored.claims.idsShortUntil).number,
            site.checks[shard].partialUntil == 0, !site.sumsAreDoubtful, !atlas.isForeign[shard]
        else { return }
        let place = ShardTruth.Place(
            minute: minute, column: siteRandom.below(options.currencies.count))
        site.store.spoil(
            shard, minute: minute, column: place.column, amount: siteRandom.within(1...1 << 40))
        site.checks[shard].spoiled.append(place)
        site.checks[shard].spoiledOnce.append(place)
        for process in headquarters where process.site === site {
            process.publisher.held[shard] = nil
        }
        awaitAudit(at: site)
        probes.hit(.storeSpoiled)
        trace("\(shape.shards[shard].id) is spoilt in minute \(minute)")
    }

    /// HQ has lost part of these shards.
    func noteStoreLoss(shards: [Int], at site: Site) {
        for shard in shards {
            atlas.lose(shard)
            site.checks[shard].mustCompareAll = true
        }
    }

    // MARK: - Time and logs

    private func trim(_ shard: Int) {
        let entries = logs[shard].entries
        let first = logs[shard].place(of: logs[shard].low)
        guard entries.count - first > 2 else { return }
        let watermark = leastWatermark(shard)
        // Usually the broker keeps what HQ has not received yet.
        let limit =
            faultRandom.happens(perMille: 850) ? watermark : entries[entries.count - 1].offset
        let place = first + faultRandom.below(entries.count - first)
        let cut = min(entries[place].offset, limit)
        guard cut > logs[shard].low else { return }
        logs[shard].trim(to: cut)
        atlas.cut(shard)
        if cut > watermark { atlas.tear(shard) }
        probes.hit(.logTrimmed)
        trace("\(shape.shards[shard].id) now begins at \(cut)")
    }

    /// The offset up to which every HQ has committed a shard.
    private func leastWatermark(_ shard: Int) -> Int64 {
        sites.map { $0.store.stored(shard)?.watermark ?? 0 }.min() ?? 0
    }

    /// Freezes everything except the producers, for up to 30 hours.
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
        let partition = shape.shards[shard].id.partition
        guard let owner = groups[shape.shards[shard].log].owners[Int(partition)],
            nodes[owner].state == .running,
            let host = nodes[owner].hosts.first(where: { $0.log == shape.shards[shard].log }),
            host.node.folding(partition)?.fold.coverage == logs[shard].end
        else { return }
        mutedUntil[shard] = elapsed + 240_000
        pause(nodes[owner], for: faultRandom.within(30_000...150_000))
        let cut = max(logs[shard].low, logs[shard].end - Int64(faultRandom.within(0...3)))
        if cut > logs[shard].low {
            logs[shard].trim(to: cut)
            atlas.cut(shard)
            probes.hit(.historyLost)
        }
        for site in sites { wipe(site) }
    }

    private func hangTransaction() {
        let shard = faultRandom.below(shape.shards.count)
        logs[shard].hang()
        schedule(.recover(.transaction(shard: shard)), after: 5_000 + outage())
    }

    private func slowBrokerClock() {
        let shard = faultRandom.below(shape.shards.count)
        logs[shard].clockError = -10 * 60_000
        schedule(.recover(.brokerClock(shard: shard)), after: 30_000 + outage())
    }

    private func groupDown() {
        let region = faultRandom.below(shape.regions.count)
        for node in nodes where node.region == region && node.state != .down { crash(node) }
        probes.hit(.groupDown)
        sleep()
    }

    private func recreateLog() {
        let shard = faultRandom.below(shape.shards.count)
        // Only if HQ knows the record before its watermark, which is the log's last.
        guard !atlas.isForeign[shard], let stored = sites[0].store.stored(shard),
            stored.watermark > 0,
            stored.watermark == logs[shard].end, stored.fingerprint != nil
        else { return }
        // The second HQ may have been wiped and then reports nothing.
        if sites.count > 1, faultRandom.happens(perMille: 500) { wipe(sites[1]) }
        let region = shape.shards[shard].region
        let keepsState = faultRandom.happens(perMille: 500)
        for node in nodes where node.region == region && node.state != .down {
            if keepsState, node.state == .running, !node.isStopping {
                giveBack(node)
            } else {
                crash(node)
            }
        }
        atlas.replace(shard, end: logs[shard].end)
        let kept = faultRandom.happens(perMille: 300) ? logs[shard].entries.count / 2 : 0
        author.recreate(&logs[shard], from: kept, andMore: faultRandom.within(0...3), at: now)
        mutedUntil[shard] = .max
        if keepsState {
            probes.hit(.logRecreatedUnderState)
            rebalance(region: region)
        }
        trace("\(shape.shards[shard].id) is now another log from index \(kept) on")
    }

    // MARK: - Ends

    func recover(_ recovery: Recovery) {
        switch recovery {
        case .restart(let node): start(nodes[node])
        case .resume(let node): resume(nodes[node])
        case .link(let region, let hq): linkIsOpen[region][hq] = Link()
        case .headquarters(let number): start(headquarters[number])
        case .store(let number):
            sites[number].isReachable = true
            sites[number].store.reconnect()
        case .broker(let region): brokerIsReachable[region] = true
        case .nodeClock(let node): nodes[node].clockError = 0
        case .headquartersClock(let number): headquarters[number].clockError = 0
        case .transaction(let shard): logs[shard].release()
        case .brokerClock(let shard): logs[shard].clockError = 0
        }
    }

    /// Ends all faults at once. Everything wrong now must recover without intervention.
    func heal() {
        trace("healed")
        armed = Armed()
        for region in shape.regions.indices {
            linkIsOpen[region] = sites.map { _ in Link() }
            brokerIsReachable[region] = true
        }
        for shard in shape.shards.indices {
            recover(.transaction(shard: shard))
            recover(.brokerClock(shard: shard))
        }
        for site in sites where !site.isReachable { recover(.store(site.number)) }
        for process in headquarters {
            process.clockError = 0
            takeNewestTopology(process)
            start(process)
        }
        for node in nodes {
            node.clockError = 0
            if node.isStopping { node.stop() }
            let newest = nodes.filter { $0.region == node.region }.map(\.generation).max()
            if let newest, node.generation < newest {
                node.generation = newest
                if node.state != .down { node.stop() }
            }
            takeNewestTopology(node)
            start(node)
            resume(node)
        }
        if options.isRelayed { writeMarkers() }
        takeAddedPartitionAway()
        for region in shape.regions.indices {
            for log in shape.logsOfRegion[region] {
                groups[log].members = nodes.filter { $0.region == region }.map(\.number)
            }
            rebalance(region: region)
        }
    }
}
