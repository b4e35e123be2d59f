import Simulation
import Testing

@Suite struct SimulationTests {
    @Test(arguments: [3, 17, 1_234_567] as [UInt64])
    func `the same seed gives the same hash, with and without a trace`(seed: UInt64) {
        let first = Simulation.run(seed: seed)
        var lines = 0
        let second = Simulation.run(seed: seed) { _ in lines += 1 }
        #expect(first.hash == second.hash)
        #expect(first.tally == second.tally)
        #expect(first.probes == second.probes)
        #expect(lines > 0)
    }

    @Test func `different seeds give different worlds`() {
        let hashes = (100..<110).map { Simulation.run(seed: $0).hash }
        #expect(Set(hashes).count == hashes.count)
    }

    @Test func `every check holds over the first seeds, in worlds with traffic and faults`() {
        var sweep = SweepReport()
        for seed in 0..<40 as Range<UInt64> {
            let report = Simulation.run(seed: seed)
            #expect(report.failure == nil, "tributary simulate --seed \(seed) --trace")
            sweep.add(report)
        }
        #expect(sweep.seeds == 40)
        #expect(sweep.failures.isEmpty)
        #expect(sweep.tally.minorUnitsWrong == 0)
        #expect(sweep.tally.commits > 40 * SweepReport.commitsPerSeedMin)
        #expect(sweep.tally.faults > 40 * SweepReport.faultsPerSeedMin)
        #expect(sweep.tally.lost > 0)
        #expect(sweep.tally.duplicated > 0)
        #expect(sweep.probes[.baseZeroReplaced] > 0)
        #expect(sweep.probes[.digestCompared] > 0)
        for probe in [
            .plainRepeat, .malformedRejected, .requestLost, .replyLost, .copyTaken, .lateCopyTaken,
            .requestsReordered, .linkCutOneWay, .linkCutBothWays, .shardHandedOver, .nodeCrashed,
            .nodeClockWrong, .headquartersClockWrong, .storeUnreachable, .storeRolledBack,
            .storeWiped,
        ] as [Probe] {
            #expect(sweep.probes[probe] > 0, "\(probe.name)")
        }
    }

    /// Seeds whose topic is recreated under the same log id: in the first one the region's nodes
    /// keep their state and get their partitions again, in the second they are down.
    @Test(arguments: [78, 31] as [UInt64])
    func `a recreated log stops its shard and leaves HQ's values unchanged`(seed: UInt64) {
        let report = Simulation.run(seed: seed)
        #expect(report.failure == nil, "tributary simulate --seed \(seed) --trace")
        #expect(report.probes[.foreignRecordStopped] > 0)
    }

    /// One seed for each situation that concerns a shard's claims.
    @Test(
        arguments: [
            (8, .unprovenMoney), (59, .repeatTakenForNew), (133, .seedTakenByAnother),
            (14, .filledWithMoneyAhead), (81, .brokerClockBehind), (62, .headquartersClockFarAhead),
            (18, .nodeStartedWithWrongClock), (9, .groupDown), (3, .transactionHung),
            (28, .partitionIdleForLong), (16, .auditHealed), (35, .equalCoverageEarlierIds),
            (20, .keysLost), (21, .changesLost), (23, .lossNoticed), (47, .fillingCut),
            (1, .repeatOfLogBefore), (41, .replacementAwaited), (42, .oldTopologyRefused),
            (12, .addedPartitionRefused), (1508, .foldVersionRaised),
            (2716, .keysLost),
        ] as [(UInt64, Probe)])
    func `every check holds in a world that reaches the situation`(seed: UInt64, probe: Probe) {
        let report = Simulation.run(seed: seed)
        #expect(report.failure == nil, "tributary simulate --seed \(seed) --trace")
        #expect(report.probes[probe] > 0, "\(probe.name)")
    }

    @Test func `a seed's description includes every option`() {
        let text = SeedOptions(seed: 42).description
        for word in ["seed 42", "partitions", "zombie", "per mille", "records", "faults"] {
            #expect(text.contains(word), "\(word)")
        }
        #expect(SeedOptions(seed: 43).description != text)
    }
}

@Suite struct SweepReportTests {
    @Test func `only a long sweep must reach every situation`() {
        var sweep = SweepReport()
        for seed in 0..<UInt64(Simulation.seedsForProbes) {
            if seed + 1 == UInt64(Simulation.seedsForProbes) { #expect(sweep.shortcomings == []) }
            var report = SeedReport(seed: seed)
            report.tally.commits = SweepReport.commitsPerSeedMin
            report.tally.faults = SweepReport.faultsPerSeedMin
            sweep.add(report)
        }
        #expect(sweep.shortcomings.count == Probe.allCases.count)
        #expect(sweep.shortcomings.contains("no seed ever came to heartbeat_found_wipe"))
    }

    @Test func `a long sweep without traffic is insufficient`() {
        var sweep = SweepReport()
        for seed in 0..<UInt64(Simulation.seedsForProbes) { sweep.add(SeedReport(seed: seed)) }
        #expect(sweep.shortcomings.contains("only 0 commits in 500 seeds"))
        #expect(sweep.shortcomings.contains("only 0 faults in 500 seeds"))
    }

    @Test func `failures are kept with their seed, and the order of seeds is part of the hash`() {
        let (first, second) = (Simulation.run(seed: 7), Simulation.run(seed: 8))
        var failed = second
        failed.failure = "something"
        var forwards = SweepReport()
        forwards.add(first)
        forwards.add(failed)
        var backwards = SweepReport()
        backwards.add(failed)
        backwards.add(first)
        #expect(forwards.failures.map(\.seed) == [8])
        #expect(forwards.failures.map(\.what) == ["something"])
        #expect(forwards.tally == backwards.tally)
        #expect(forwards.hash != backwards.hash)
    }

    @Test func `probes are named like metrics`() {
        #expect(
            Probe.equalCoverageEarlierIds.name == "equal_coverage_earlier_ids")
        #expect(Set(Probe.allCases.map(\.name)).count == Probe.allCases.count)
    }
}
