import Aggregation
import CivilTime
import DeltaProtocol
import Money
import Testing
import Topology

/// Two nodes that reached the same coverage in different ways hold the same bits wherever both
/// claim to know. One folded its log from the beginning. The others were rebuilt from what
/// retention left of it and from the values of those before them.
@Suite struct TwoHistoriesTests {
    @Test func `two histories of one log are one state, wherever both claim to know`() {
        for seed in 0..<TwoHistories.worlds {
            var world = TwoHistories(seed: seed)
            guard let problem = world.run() else { continue }
            Issue.record("seed \(seed): \(problem)")
            return
        }
    }
}
