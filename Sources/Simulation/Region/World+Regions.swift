import Aggregation
import CivilTime
import DeltaCodec
import DeltaProtocol
import Identifiers
import RegionCore

/// The regions' processes: the work of `RegionService` around the real node, with a model of Kafka
/// instead of its clients. This code takes no decisions for a node.
extension World {
    /// How soon a busy process takes its next turn, in milliseconds.
    static let busyWait: Int64 = 200
    /// Polls of one partition per turn.
    private static let pollsPerTurn = 4

    func tick(_ process: NodeProcess) {
        var isBusy = false
        for index in process.hosts.indices {
            for partition in process.hosts[index].reading.keys.sorted()
            where poll(partition, process, index) { isBusy = true }
            checkCounters(of: process.hosts[index])
            tellClock(process, index)
            tell(process, index, .turn)
            if process.hosts[index].node.isHeldBack { probes.hit(.heldBack) }
        }
        if process.isStopping {
            if process.hosts.allSatisfy(\.hasEnded) { return exit(process) }
            return scheduleTick(process, after: Self.busyWait)
        }
        scheduleTick(process, after: isBusy ? Self.busyWait : nil)
    }

    func scheduleTick(_ process: NodeProcess, after wait: Int64? = nil) {
        let regular = options.tickWait / 2 + regionRandom.within(0...options.tickWait)
        // Only the newest scheduled turn counts.
        process.turn += 1
        schedule(
            .tick(node: process.number, incarnation: process.incarnation, turn: process.turn),
            after: wait ?? regular)
    }

    /// The process's own clock: the machine's at its start, continued by one that cannot be set.
    func clock(of process: NodeProcess) -> UnixTime {
        UnixTime(milliseconds: now + process.clockErrorAtStart)
    }

    private func tellClock(_ process: NodeProcess, _ index: Int) {
        let ahead = process.clockError - process.clockErrorAtStart
        guard process.hosts[index].toldAhead != ahead else { return }
        process.hosts[index].toldAhead = ahead
        tell(process, index, .wallClock(ahead: ahead))
    }

    /// The world's number of a shard.
    func shard(_ host: NodeHost, _ partition: Int32) -> Int {
        shape.logs[host.log].shards.lowerBound + Int(partition)
    }

    func settings(of process: NodeProcess, log: Int) -> RegionNodeSettings {
        var settings = RegionNodeSettings(
            region: shape.regions[process.region], node: process.name, log: shape.logs[log].id,
            partitionCount: partitionCount(of: log, by: process), fold: foldSettings(of: process),
            headquarters: sites.count,
            seed: options.seed &* 1_000 &+ UInt64(process.number * 100 + process.incarnation))
        settings.lettersMax = options.lettersMax
        settings.disorderMilliseconds = options.disorder
        // Slower than in production, like everything in the simulation, so that a second has fewer
        // events.
        settings.pushMilliseconds = 2_000
        return settings
    }

    // MARK: - The node

    /// Sends a node an event and performs its actions.
    func tell(_ process: NodeProcess, _ index: Int, _ event: RegionEvent) {
        let host = process.hosts[index]
        host.node.handle(event, at: clock(of: process), into: &host.actions)
        perform(process, index)
    }

    private func perform(_ process: NodeProcess, _ index: Int) {
        let host = process.hosts[index]
        let due = host.actions
        host.actions.removeAll(keepingCapacity: true)
        for action in due { perform(action, process, index) }
        noteFolded(host)
    }

    private func perform(_ action: RegionAction, _ process: NodeProcess, _ index: Int) {
        let host = process.hosts[index]
        switch action {
        case .read(let places):
            // A consumer still delivers records that it had fetched before it was told to stop
            // reading.
            if process.isStopping { break }
            host.reading = [:]
            for place in places { host.reading[place.partition] = place.offset }
        case .askCommitted(let question, let partitions):
            answer(process, index, .committed(question: question, partitions))
        case .commit(let places): commit(places, process, index)
        case .askFacts(let question, let partition, let from):
            answer(process, index, .facts(question: question, partition, from))
        case .askEnds(let question, let partitions): askEnds(question, partitions, process, index)
        case .askRecord(let question, let place):
            answer(process, index, .record(question: question, place))
        case .push(let hq, let question, let request):
            if process.clockError != 0 { probes.hit(.nodeClockWrong) }
            if !request.outcomes.isEmpty { probes.hit(.commandOutcomeTold) }
            push(request, to: hq, question, process, index)
        case .askStatuses(let hq, let question, let partition):
            if hq > 0 { probes.hit(.otherHeadquartersAsked) }
            transmit(
                .statuses(partition: partition, withValues: partition != nil), to: hq, question,
                process, index)
        case .sendLetter(let letter): send(letter, process, index)
        case .sendShortLetter(let token): sendShort(token, process, index)
        case .publish(let command, let partition, let record):
            publish(record, of: command, partition, process, index)
        case .note(let note): take(note, process, index)
        case .end(.stopped):
            probes.hit(.stoppedInOrder)
            host.hasEnded = true
        case .end(.partitions): refuseAddedPartition(process)
        case .end(let reason): fail("\(process.name) ended: \(reason)")
        }
    }

    private func take(_ note: Note, _ process: NodeProcess, _ index: Int) {
        let host = process.hosts[index]
        trace(
            "\(process.name) \(note.text) "
                + note.fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                .joined(separator: " "))
        if note.fields["seeded"] == "true" { probes.hit(.seeded) }
        guard let partition = note.fields["partition"].flatMap({ Int32($0) }),
            let alarm = host.node.alarm(partition)
        else { return }
        let number = shard(host, partition)
        if !atlas.isForeign[number] {
            fail("\(shape.shards[number].id) was stopped: \(alarm)")
        }
        if alarm == .foreignRecord { probes.hit(.foreignRecordStopped) }
    }

    /// Records shards that have begun to fold, or begun again.
    private func noteFolded(_ host: NodeHost) {
        for partition in 0..<host.node.partitionCount {
            guard let shard = host.node.folding(partition) else {
                host.folded[partition] = nil
                continue
            }
            guard host.folded[partition]?.shard != ObjectIdentifier(shard) else { continue }
            tally.rebuilds += 1
            let number = self.shard(host, partition)
            letterLedgers[number].readIsFrom(shard.fold.coverage)
            let claims = shard.fold.claims
            // No HQ gave its values in time, or none has values for the node's settings.
            if claims.valuesFrom > shard.fold.floor { atlas.lose(number) }
            if claims.idsFrom < claims.idsShortUntil {
                shortRanges[number].append(
                    claims.idsFrom.number..<claims.idsShortUntil.number)
            }
            host.folded[partition] = NodeHost.Folded(
                shard: ObjectIdentifier(shard),
                firstPlace: logs[self.shard(host, partition)].place(of: shard.fold.coverage),
                isWhole: shard.fold.coverage == 0)
        }
    }

    // MARK: - Consuming

    /// True if more records are waiting than one turn takes.
    private func poll(_ partition: Int32, _ process: NodeProcess, _ index: Int) -> Bool {
        let host = process.hosts[index]
        let number = shard(host, partition)
        guard brokerIsReachable[process.region] else {
            probes.hit(.unreachableBroker)
            return false
        }
        for _ in 0..<Self.pollsPerTurn {
            guard let next = host.reading[partition] else { return false }
            guard next >= logs[number].low else {
                // Retention overtook the node: its state no longer connects to the log.
                probes.hit(.outOfRangeRejoined)
                host.reading[partition] = nil
                tell(
                    process, index,
                    .offsetOutOfRange(PartitionOffset(partition: partition, offset: next)))
                return false
            }
            var first = logs[number].place(of: next)
            if regionRandom.happens(perMille: options.redeliveryShare) {
                let back = max(logs[number].place(of: logs[number].low), first - 5)
                if back < first { probes.hit(.redelivered) }
                first = back
            }
            let count = logs[number].readablePlaces
            let last = max(first, min(first + regionRandom.within(1...options.batch), count))
            if last > first {
                host.reading[partition] = max(next, logs[number].entries[last - 1].offset + 1)
                fold(first..<last, of: partition, process, index)
            }
            guard last < count else {
                let readableEnd = logs[number].readableEnd
                if readableEnd < logs[number].end { probes.hit(.transactionHung) }
                if host.node.folding(partition)?.fold.coverage ?? .max < readableEnd {
                    probes.hit(.endBehindHole)
                }
                let end = PartitionOffset(partition: partition, offset: readableEnd)
                tell(process, index, .endOfPartition(end))
                return false
            }
        }
        return true
    }

    private func fold(
        _ places: Range<Int>, of partition: Int32, _ process: NodeProcess, _ index: Int
    ) {
        let host = process.hosts[index]
        let number = shard(host, partition)
        guard let shard = host.node.folding(partition) else { return }
        let before = shard.fold.coverage
        let remembered = shard.fold.counters.remembered
        unsafe logs[number].withRecords(places) {
            unsafe host.node.fold(
                $0, of: partition, areProducerStamped: false, into: &host.actions)
        }
        if shard.fold.counters.remembered > remembered { probes.hit(.idsOnlyPhase) }
        perform(process, index)
        // Only such a shard's counts are compared with the second fold's.
        guard host.folded[partition]?.isWhole ?? false, !atlas.isForeign[number] else { return }
        for place in places where logs[number].entries[place].offset >= before {
            for probe in truths[number].situations[place] { probes.hit(probe) }
        }
    }

    // MARK: - Questions to the broker

    /// A question whose answer is computed when it is due.
    enum BrokerQuestion {
        case committed(question: Int, [Int32])
        case facts(question: Int, Int32, UnixTime)
        case record(question: Int, PartitionOffset)
    }

    private func answer(_ process: NodeProcess, _ index: Int, _ question: BrokerQuestion) {
        schedule(
            .broker(
                node: process.number, incarnation: process.incarnation, host: index, question),
            after: regionRandom.within(1...1_500))
    }

    func brokerAnswers(_ question: BrokerQuestion, _ process: NodeProcess, _ index: Int) {
        let host = process.hosts[index]
        let isReachable = brokerIsReachable[process.region]
        let event: RegionEvent
        switch question {
        case .committed(let number, let partitions):
            let committed = groups[host.log].committed.filter { partitions.contains($0.key) }
            event =
                isReachable
                ? .committed(question: number, committed)
                : .committedUnknown(question: number, problem: "unreachable")
        case .facts(let number, let partition, let from):
            let facts = logs[shard(host, partition)].facts(
                from: options.answersTimes ? from.milliseconds : nil)
            event =
                isReachable
                ? .facts(question: number, facts, isProducerStamped: false)
                : .factsUnknown(question: number, problem: "unreachable")
        case .record(let number, let place):
            event =
                isReachable
                ? .record(
                    question: number,
                    logs[shard(host, place.partition)].record(at: place.offset))
                : .recordUnknown(question: number, problem: "unreachable")
        }
        if !isReachable { probes.hit(.brokerAskedAgain) }
        tell(process, index, event)
        scheduleTick(process, after: Self.busyWait)
    }

    private func askEnds(
        _ question: Int, _ partitions: [Int32], _ process: NodeProcess, _ index: Int
    ) {
        let host = process.hosts[index]
        var ends: [Int32: Int64] = [:]
        for partition in partitions { ends[partition] = logs[shard(host, partition)].end }
        // Some answers come long after the node has asked again.
        let isSlow = !isHealed && regionRandom.happens(perMille: 50)
        if isSlow { probes.hit(.endAnsweredLate) }
        schedule(
            .told(
                node: process.number, incarnation: process.incarnation, host: index,
                brokerIsReachable[process.region]
                    ? .ends(question: question, ends) : .endsUnknown(question: question)),
            after: regionRandom.within(isSlow ? 9_000...40_000 : 1...2_000))
    }

    // MARK: - Group membership

    /// Assigns the region's partitions again; each process learns of it at its own time.
    func rebalance(region: Int) {
        for log in shape.logsOfRegion[region] { groups[log].rebalance(&regionRandom) }
        for process in nodes where process.region == region && process.state != .down {
            schedule(
                .learnAssignment(node: process.number, incarnation: process.incarnation),
                after: regionRandom.within(0...(isHealed ? 1_000 : options.zombieMilliseconds)))
        }
        trace(
            "\(shape.regions[region]) has owners "
                + shape.logsOfRegion[region].map { "\(groups[$0].owners.map { $0 ?? -1 })" }
                .joined())
    }

    /// The process loses all its partitions but keeps their state.
    func giveBack(_ process: NodeProcess) {
        for (index, host) in process.hosts.enumerated() {
            host.reading = [:]
            tell(process, index, .revoked)
        }
    }

    /// The process learns of a rebalance: its partitions are revoked, and assigned some time later.
    func learnAssignment(_ process: NodeProcess) {
        let first = shape.logsOfRegion[process.region].lowerBound
        guard groups[first].members.contains(process.number) else {
            // The coordinator had removed it: it joins again.
            for log in shape.logsOfRegion[process.region] {
                groups[log].members.append(process.number)
                groups[log].members.sort()
            }
            return rebalance(region: process.region)
        }
        for (index, host) in process.hosts.enumerated()
        where host.generation != groups[host.log].generation {
            host.reading = [:]
            tell(process, index, .revoked)
            schedule(
                .takeOver(node: process.number, incarnation: process.incarnation, host: index),
                after: regionRandom.within(0...(isHealed ? 500 : 2_000)))
        }
    }

    func takeOver(_ process: NodeProcess, _ index: Int) {
        let host = process.hosts[index]
        // It was removed meanwhile and will learn of that.
        guard groups[host.log].members.contains(process.number) else { return }
        host.generation = groups[host.log].generation
        let folded = host.folded.count
        tell(process, index, .assigned(groups[host.log].partitions(of: process.number)))
        if host.folded.count < folded { probes.hit(.shardHandedOver) }
        scheduleTick(process, after: Self.busyWait)
    }

    /// The group coordinator's handling of a commit: a member of an earlier generation cannot
    /// commit.
    private func commit(_ places: [PartitionOffset], _ process: NodeProcess, _ index: Int) {
        let host = process.hosts[index]
        guard brokerIsReachable[process.region],
            host.generation == groups[host.log].generation
        else {
            probes.hit(.commitFailed)
            return schedule(
                .told(
                    node: process.number, incarnation: process.incarnation, host: index,
                    .commitFailed(places, problem: "not a member")),
                after: regionRandom.within(1...500))
        }
        for place in places {
            groups[host.log].committed[place.partition] = place.offset
            probes.hit(.groupCommitted)
            checkCommitted(place, host)
        }
    }

    /// I4: the group commits only offsets that every HQ and the dead-letter topic have.
    private func checkCommitted(_ place: PartitionOffset, _ host: NodeHost) {
        let number = shard(host, place.partition)
        guard !atlas.isForeign[number] else { return }
        for site in sites where site.highest[number] < place.offset {
            fail(
                """
                the group of \(shape.shards[number].id) has committed \(place.offset), \
                headquarters \(site.number) never had more than \(site.highest[number])
                """)
        }
        if let due = letterLedgers[number].due.first, due.offset < place.offset {
            fail(
                """
                the group of \(shape.shards[number].id) has committed \(place.offset), the dead \
                letter of \(due.offset) is lost
                """)
        }
    }
}
