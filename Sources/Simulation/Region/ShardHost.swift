import Aggregation
import DeltaProtocol

/// One shard as a node holds it: the real fold and the real push.
final class ShardHost {
    var fold: ShardFold
    var push: ShardPush
    /// The place in the log of the first record that it took.
    let firstPlace: Int
    /// Whether it has folded its log from the very beginning.
    let isWhole: Bool

    init(settings: FoldSettings, start: FoldStart, push: ShardPush, firstPlace: Int) {
        fold = ShardFold(settings: settings, start: start)
        self.push = push
        self.firstPlace = firstPlace
        isWhole = start.offset == 0 && start.foldFrom == nil
    }
}

/// What a node has of one shard of its region.
enum ShardSlot {
    case notOwned
    /// Assigned, and waiting for HQ to say what it has; with values where those are needed.
    case joining(needsValues: Bool)
    case folding(ShardHost)
    /// Given up with an alarm.
    case stopped(ShardJoin.Alarm)
}
