import Aggregation
import CivilTime
import DeltaCodec
import DeltaProtocol
import Topology

/// The regions' nodes: consume, fold, push, as a region's service does, around the real core.
extension World {
    /// How soon a node that has more to do takes its next turn, in milliseconds.
    private static let busyWait: Int64 = 200
    /// Polls of one shard in one turn.
    private static let pollsPerTurn = 4

    func tick(_ node: RegionNode) {
        var isBusy = false
        for local in node.slots.indices {
            guard case .folding(let host) = node.slots[local] else { continue }
            if poll(host, shard: shape.shardsOfRegion[node.region].lowerBound + local, node, local)
            {
                isBusy = true
            }
        }
        if node.waiting == nil, elapsed >= node.notBefore { send(from: node) }
        scheduleTick(node, after: isBusy ? Self.busyWait : nil)
    }

    func scheduleTick(_ node: RegionNode, after wait: Int64? = nil) {
        let regular = options.tickWait / 2 + regionRandom.within(0...options.tickWait)
        // The newest turn is the one that counts.
        node.turn += 1
        schedule(
            .tick(node: node.number, incarnation: node.incarnation, turn: node.turn),
            after: wait ?? regular)
    }

    func clock(of node: RegionNode) -> UnixTime {
        UnixTime(milliseconds: now + node.clockError)
    }

    // MARK: - Consuming

    /// Whether more records wait than one turn takes.
    private func poll(_ host: ShardHost, shard: Int, _ node: RegionNode, _ local: Int) -> Bool {
        guard brokerIsReachable[node.region] else {
            // The question for the end goes out all the same, and stays without an answer.
            probes.hit(.unreachableBroker)
            return false
        }
        askForEnd(of: shard, node)
        for _ in 0..<Self.pollsPerTurn {
            let coverage = host.fold.coverage
            guard coverage >= logs[shard].low else {
                // Retention was faster than the node: what it holds joins on to nothing.
                probes.hit(.outOfRangeRejoined)
                node.slots[local] = .joining(needsValues: false)
                return false
            }
            var first = logs[shard].place(of: coverage)
            if regionRandom.happens(perMille: options.redeliveryShare) {
                let back = max(logs[shard].place(of: logs[shard].low), first - 5)
                if back < first { probes.hit(.redelivered) }
                first = back
            }
            let last = min(
                first + regionRandom.within(1...options.batch), logs[shard].entries.count)
            fold(first..<last, into: host, shard: shard)
            guard last < logs[shard].entries.count else {
                if host.fold.coverage < logs[shard].end { probes.hit(.endBehindHole) }
                host.fold.reachedEnd(at: logs[shard].end)
                return false
            }
        }
        return true
    }

    private func fold(_ places: Range<Int>, into host: ShardHost, shard: Int) {
        var diversions: [Diversion] = []
        let before = host.fold.coverage
        let remembered = host.fold.counters.remembered
        unsafe logs[shard].withRecords(places) { unsafe host.fold.fold($0, into: &diversions) }
        if host.fold.counters.remembered > remembered { probes.hit(.idsOnlyPhase) }
        // Only such a host's counts are compared with the second fold's.
        guard host.isWhole, !atlas.isForeign[shard] else { return }
        for place in places where logs[shard].entries[place].offset >= before {
            for probe in truths[shard].situations[place] { probes.hit(probe) }
        }
    }

    private func askForEnd(of shard: Int, _ node: RegionNode) {
        guard regionRandom.happens(perMille: 700) else { return }
        schedule(
            .endAnswer(
                node: node.number, incarnation: node.incarnation, shard: shard,
                end: logs[shard].end, askedAt: clock(of: node)),
            after: regionRandom.within(1...2_000))
    }

    func endAnswered(_ node: RegionNode, shard: Int, end: Int64, askedAt: UnixTime) {
        let local = shape.shards[shard].local
        guard brokerIsReachable[node.region], case .folding(let host) = node.slots[local] else {
            return
        }
        host.fold.learnedEnd(end, askedAt: askedAt)
    }

    // MARK: - Speaking with HQ

    private func send(from node: RegionNode) {
        let joining = node.slots.indices.filter {
            if case .joining = node.slots[$0] { true } else { false }
        }
        if !joining.isEmpty, !node.askedLast || !hasFolding(node) {
            node.askedLast = true
            return ask(joining, from: node)
        }
        node.askedLast = false
        let time = clock(of: node)
        var deltas: [ShardDelta] = []
        var sent: [Int] = []
        for local in node.slots.indices {
            guard case .folding(let host) = node.slots[local] else { continue }
            let shard = shape.shardsOfRegion[node.region].lowerBound + local
            if host.fold.hasForeignRecord {
                if !atlas.isForeign[shard] { fail("\(host.push.log) was taken for another log") }
                probes.hit(.foreignRecordStopped)
                checks[shard].wasStopped = isHealed
                node.slots[local] = .stopped(.foreignRecord)
                continue
            }
            if !atlas.isForeign[shard] { checkCounters(of: host, shard: shard) }
            guard let delta = host.push.delta(of: &host.fold, now: time) else { continue }
            deltas.append(delta)
            sent.append(local)
        }
        guard !deltas.isEmpty else { return }
        if node.clockError != 0 { probes.hit(.nodeClockWrong) }
        var counts: [LogID: Int32] = [:]
        for log in shape.logsOfRegion[node.region] {
            counts[shape.logs[log].id] = shape.logs[log].partitions
        }
        let request = DeltaRequest(
            foldVersion: settings(of: node).version, region: shape.regions[node.region],
            node: node.name, sentAt: time, partitionCounts: counts, shards: deltas)
        transmit(.deltas(DeltaCodec.encode(request)), from: node, shards: sent)
    }

    func hasFolding(_ node: RegionNode) -> Bool {
        node.slots.contains { if case .folding = $0 { true } else { false } }
    }

    private func ask(_ joining: [Int], from node: RegionNode) {
        for local in joining {
            if case .joining(needsValues: true) = node.slots[local] {
                let shard = shape.shardsOfRegion[node.region].lowerBound + local
                return transmit(
                    .statuses(partition: shape.shards[shard].id.partition, withValues: true),
                    from: node, shards: [local])
            }
        }
        transmit(.statuses(partition: nil, withValues: false), from: node, shards: joining)
    }

    func replyArrived(_ reply: Reply, at node: RegionNode) {
        guard let waiting = node.waiting, waiting.number == reply.request else {
            return probes.hit(.replyTooLate)
        }
        node.waiting = nil
        switch reply.content {
        case .failure:
            requestFailed(waiting, of: node)
        case .deltas(let bytes):
            guard let answer = try? DeltaCodec.decodeReply(bytes) else {
                probes.hit(.truncatedReplyRefused)
                return requestFailed(waiting, of: node)
            }
            answered(waiting, answer, by: node)
        case .statuses(let bytes):
            guard let statuses = try? DeltaCodec.decodeStatuses(bytes) else {
                probes.hit(.truncatedReplyRefused)
                return requestFailed(waiting, of: node)
            }
            learned(statuses, of: waiting.shards, by: node)
        }
    }

    /// Sends nothing for a while, longer where HQ may be down.
    func requestFailed(_ waiting: RegionNode.Waiting, of node: RegionNode) {
        node.notBefore = elapsed + regionRandom.within(100...3_000)
        for local in waiting.shards {
            if case .folding(let host) = node.slots[local] { host.push.failed() }
        }
    }

    private func answered(
        _ waiting: RegionNode.Waiting, _ answer: DeltaReply, by node: RegionNode
    ) {
        for local in waiting.shards {
            guard case .folding(let host) = node.slots[local] else { continue }
            let found = answer.shards.first {
                $0.log == host.push.log && $0.partition == host.push.partition
            }
            guard let found else {
                host.push.failed()
                continue
            }
            let regressions = host.push.regressions
            host.push.answered(found, completeFrom: host.fold.completeFrom)
            if host.push.regressions > regressions {
                tally.regressions += 1
                probes.hit(.watermarkRegressed)
            }
        }
        scheduleTick(node, after: Self.busyWait)
    }

    /// Begins the shards that wait, as far as HQ's answer and the log allow.
    private func learned(_ statuses: [ShardStatus], of locals: [Int], by node: RegionNode) {
        guard brokerIsReachable[node.region] else { return }
        for local in locals {
            guard case .joining = node.slots[local] else { continue }
            let shard = shape.shardsOfRegion[node.region].lowerBound + local
            let id = shape.shards[shard].id
            let status = statuses.first { $0.log == id.log && $0.partition == id.partition }
            join(local, shard: shard, status: status, node)
        }
    }

    private func join(_ local: Int, shard: Int, status: ShardStatus?, _ node: RegionNode) {
        let time = clock(of: node)
        let facts = logs[shard].facts(
            from: options.answersTimes
                ? time.milliseconds - ShardJoin.rememberMilliseconds : nil)
        switch ShardJoin.plan(
            log: facts, status: status, version: settings(of: node).version, now: time)
        {
        case .needsSeed:
            node.slots[local] = .joining(needsValues: true)
        case .stop(let alarm):
            node.slots[local] = .stopped(alarm)
        case .start(let start):
            tally.rebuilds += 1
            if start.seed != nil { probes.hit(.seeded) }
            let id = shape.shards[shard].id
            node.slots[local] = .folding(
                ShardHost(
                    settings: settings(of: node), start: start,
                    push: ShardPush(
                        log: id.log, partition: id.partition, watermark: status?.watermark ?? 0),
                    firstPlace: logs[shard].place(of: start.offset)))
            trace(
                "\(node.name) begins \(id) at \(start.offset), known from "
                    + "\(start.knownFrom.map { "\($0.number)" } ?? "the beginning")"
                    + (start.seed.map { ", seeded at \($0.watermark)" } ?? ""))
        }
    }

    // MARK: - Group membership

    /// Hands the region's shards out anew; each node learns it at a time of its own.
    func rebalance(region: Int) {
        groups[region].rebalance(&regionRandom)
        for node in nodes where node.region == region && node.state != .down {
            schedule(
                .learnAssignment(node: node.number, incarnation: node.incarnation),
                after: regionRandom.within(0...(isHealed ? 1_000 : options.zombieMilliseconds)))
        }
        trace("\(shape.regions[region]) has owners \(groups[region].owners.map { $0 ?? -1 })")
    }

    func learnAssignment(_ node: RegionNode) {
        guard groups[node.region].members.contains(node.number) else {
            // The coordinator had given it up: it joins anew.
            groups[node.region].members.append(node.number)
            groups[node.region].members.sort()
            return rebalance(region: node.region)
        }
        for local in node.slots.indices {
            let isOwner = groups[node.region].owners[local] == node.number
            switch node.slots[local] {
            case .notOwned, .stopped:
                if isOwner { node.slots[local] = .joining(needsValues: false) }
            case .joining, .folding:
                guard !isOwner else { continue }
                if case .folding = node.slots[local] { probes.hit(.shardHandedOver) }
                node.slots[local] = .notOwned
            }
        }
        scheduleTick(node, after: Self.busyWait)
    }
}
