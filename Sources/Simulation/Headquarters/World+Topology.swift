import CivilTime
import DeltaProtocol
import Federation
import Identifiers

/// Logs that replace others, and partitions added to one. Processes learn of it one by one, and the
/// store must hold one topology for all.
extension World {
    static func topologies(_ shape: WorldShape, _ options: SeedOptions) -> [StoreTopology] {
        guard options.replacedAt != nil else { return [StoreTopology(generation: 1, logs: [:])] }
        return (0..<2).map { place in
            var logs: [RegionID: [StoreTopology.Log]] = [:]
            for (region, id) in shape.regions.enumerated() {
                let own = shape.logsOfRegion[region]
                let log = shape.logs[own[min(own.lowerBound + place, own.upperBound - 1)]]
                logs[id] = [.init(id: log.id, partitions: log.partitions)]
            }
            return StoreTopology(generation: Int64(place) + 1, logs: logs)
        }
    }

    // MARK: - Files

    /// The logs of a region that a topology counts, the current one last.
    func countedLogs(of region: Int, by topology: StoreTopology) -> [Int] {
        guard let counted = topology.logs[shape.regions[region]] else {
            return Array(shape.logsOfRegion[region])
        }
        return counted.compactMap { shape.log($0.id, region: region) }
    }

    func knownLogs(of region: Int, by topology: StoreTopology) -> [LogID: Int32] {
        var known: [LogID: Int32] = [:]
        for log in countedLogs(of: region, by: topology) {
            // Files without a count allow many.
            known[shape.logs[log].id] = options.declaresPartitions ? shape.logs[log].partitions : 64
        }
        return known
    }

    func fixedPartitions(of region: Int, by process: HeadquartersProcess) -> [LogID: Int32] {
        var fixed: [LogID: Int32] = [:]
        for log in countedLogs(of: region, by: process.topology) {
            fixed[shape.logs[log].id] =
                options.declaresPartitions
                ? shape.logs[log].partitions : process.partitionCounts[log]
        }
        return fixed
    }

    func logsRead(by process: NodeProcess) -> [Int] {
        countedLogs(of: process.region, by: topologies[process.topologyGeneration - 1])
    }

    /// True if nodes read the shard's log once all have the newest topology.
    func isRead(_ shard: Int) -> Bool {
        let region = shape.shards[shard].region
        return topologies.last.map {
            countedLogs(of: region, by: $0).contains(shape.shards[shard].log)
        } ?? false
    }

    func partitionCount(of log: Int, by process: NodeProcess) -> Int32 {
        process.countsAddedPartition
            ? Int32(shape.logs[log].shards.count) : shape.logs[log].partitions
    }

    // MARK: - The store's topology

    /// True if the store counts the logs of the process's files, possibly after adopting them.
    func adoptTopology(_ process: HeadquartersProcess) -> Bool {
        let store = process.site.store
        guard process.adoption.mustAdopt(on: store.connection) else { return true }
        switch process.adoption.decide(over: store.topology, seconds: now / 1_000) {
        case .older:
            probes.hit(.oldTopologyRefused)
            return false
        case .write(let topology): process.site.store.write(topology)
        case .current: break
        }
        process.partitionCounts = Dictionary(
            uniqueKeysWithValues: store.partitionCounts.enumerated().filter { $0.element > 0 }
                .map { ($0.offset, $0.element) })
        process.adoption.wasAdopted(on: store.connection)
        return true
    }

    func isOld(_ process: HeadquartersProcess) -> Bool {
        process.site.store.topology?.standing(of: process.topology) == .older
    }

    func removeReplacedLogsOnce(of region: Int, _ process: HeadquartersProcess) -> Bool {
        let connection = process.site.store.connection
        guard process.adoption.mustRemove(of: shape.regions[region], on: connection) else {
            return true
        }
        guard removeReplacedLogs(of: region, process) else { return false }
        process.adoption.haveRemoved(of: shape.regions[region], on: connection)
        return true
    }

    /// False if the process ended, or if a shard could not be removed.
    func removeReplacedLogs(of region: Int, _ process: HeadquartersProcess) -> Bool {
        shape.shardsOfRegion[region].allSatisfy { shard in
            guard process.adoption.isReplaced(shape.shards[shard].id),
                process.site.store.texts[shard] != StoreModel.Texts()
            else { return true }
            return (0..<Self.bounds.attempts).contains { _ in
                process.isRunning && remove(shard, process)
            }
        }
    }

    /// False if it must be retried.
    private func remove(_ shard: Int, _ process: HeadquartersProcess) -> Bool {
        repairSuspects(process)
        let reading = process.site.store.reading(
            shard, ShardMerge.minutesToRemove(now: present(of: process)))
        if reading.liveness.map(ShardLiveness.isTorn) ?? false {
            process.suspects.add(reading.buckets.map(\.minute))
            repairSuspects(process)
        }
        let removal = ShardMerge.removal(of: shape.shards[shard].id, reading: reading)
        let steps = CommitFilling.steps(
            of: [removal], salt: "\(process.number) \(elapsed)",
            bucketsMax: Self.bounds.bucketsPerWrite)
        for part in steps ?? [] {
            var step = StoreStep(part, shape: shape)
            step.topology = process.topology
            let limit = armed.failScript ? storeRandom.within(1...step.operations) : nil
            switch process.site.store.commit(step, failingAfter: limit) {
            case .written: break
            case .conflict: return false
            case .otherTopology:
                process.adoption.hasChanged()
                return false
            case .failed:
                armed.failScript = false
                process.suspects.doubt(part.commits)
                return false
            }
            if !part.isLast, !isHealed, keyRandom.happens(perMille: options.fillingCutShare) {
                crashHeadquarters(process.number)
                return false
            }
        }
        probes.hit(.logTakenOut)
        trace("headquarters \(process.number) removed \(shape.shards[shard].id)")
        return steps != nil
    }

    // MARK: - Operators

    func scheduleTopology() {
        if let wait = options.movedOnAt { schedule(.moveOn, after: wait) }
        if let wait = options.partitionAddedAt { schedule(.addPartition, after: wait) }
        guard let first = options.replacedAt else { return }
        let span = options.liveMinutes * 60_000 - first
        let all =
            headquarters.map { Upgraded.headquarters($0.number) }
            + nodes.map { Upgraded.node($0.number) }
        for process in all {
            schedule(.takeTopology(process), after: first + topologyRandom.within(0...span))
        }
    }

    /// An operator gives one process the newest files and restarts it.
    func takeTopology(_ upgraded: Upgraded) {
        guard !isHealed else { return }
        switch upgraded {
        case .headquarters(let number):
            headquarters[number].take(topologies[topologies.count - 1])
            crashHeadquarters(number)
        case .node(let number):
            nodes[number].topologyGeneration = topologies.count
            if nodes[number].state != .down { crash(nodes[number]) }
        }
    }

    func takeNewestTopology(_ process: HeadquartersProcess) {
        guard let newest = topologies.last, process.topology != newest else { return }
        process.stop()
        process.take(newest)
    }

    func takeNewestTopology(_ process: NodeProcess) {
        guard process.topologyGeneration < topologies.count || process.countsAddedPartition else {
            return
        }
        process.topologyGeneration = topologies.count
        process.countsAddedPartition = false
        if process.state != .down { process.stop() }
    }

    /// The topic gets one more partition, with repeats of its other partitions' transfers. The
    /// operator raises the count in the region's file but keeps the log's id.
    func addPartition() {
        guard !isHealed, let added = shape.shards.firstIndex(where: \.isAdded) else { return }
        let log = shape.shards[added].log
        // Without a file's count, a log has the partition count of its first commit.
        guard options.declaresPartitions || sites.allSatisfy({ $0.store.partitionCounts[log] > 0 })
        else { return schedule(.addPartition, after: 10_000) }
        for shard in shape.logs[log].shards.dropLast() {
            for transfer in author.last(topologyRandom.below(20), of: shard) {
                repeatTransfer(transfer, into: added)
            }
        }
        groups[log].partitions += 1
        for node in nodes where node.region == shape.shards[added].region {
            // The others learn of it when they get the partition.
            if topologyRandom.happens(perMille: 500) { countAddedPartition(node) }
        }
        rebalance(region: shape.shards[added].region)
    }

    private func countAddedPartition(_ node: NodeProcess) {
        node.countsAddedPartition = true
        if node.state != .down { crash(node) }
    }

    /// A node that gets a partition unknown to its file ends with an error.
    func refuseAddedPartition(_ node: NodeProcess) {
        let log = shape.logsOfRegion[node.region].upperBound - 1
        guard groups[log].partitions > shape.logs[log].partitions else {
            return fail("\(node.name) ended: it found too many partitions")
        }
        countAddedPartition(node)
    }

    /// The group assigns only the partitions that the log's id allows again.
    func takeAddedPartitionAway() {
        for log in shape.logs.indices { groups[log].partitions = shape.logs[log].partitions }
    }
}
