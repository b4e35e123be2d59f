import Aggregation
import CivilTime
import DeltaProtocol
import Identifiers
import Money
import Testing

/// Two nodes that reached the same coverage in different ways hold the same bits wherever both
/// claim to know. One folded its log from the beginning. The others were rebuilt from what
/// retention left of it and from the values of those before them.
@Suite struct TwoHistoriesTests {
    private static let worlds: UInt64 = 100_000
    /// The worlds are divided into this many parallel tests.
    private static let parts: UInt64 = 8

    @Test(arguments: 0..<parts)
    func `two histories of one log are one state, wherever both claim to know`(part: UInt64) {
        for seed in stride(from: part, to: Self.worlds, by: Int(Self.parts)) {
            var world = TwoHistories(seed: seed)
            guard let problem = world.run() else { continue }
            Issue.record("seed \(seed): \(problem)")
            return
        }
    }
}
