import CivilTime
import DeltaProtocol

/// What a node keeps of one HQ: the question that is open, and when the next may be asked.
struct HeadquartersLink {
    /// No wait is longer: a clock that jumped back by more does not silence the node.
    private static let longestRestMilliseconds: Int64 = 120_000

    struct Question {
        enum Kind {
            case statuses(partition: Int32?)
            /// The shards that have no answer yet, and the outcomes that were told.
            case push(waiting: Set<Int32>, outcomes: [CommandOutcome])
        }

        var number: Int
        var kind: Kind
    }

    /// One at a time.
    var question: Question?
    var backoff = Backoff()
    var nextPushAt: UnixTime?
    /// Why HQ did not answer last; empty where it did.
    var problem = ""

    /// Whether nothing is to be sent yet.
    func isResting(at now: UnixTime) -> Bool {
        guard let nextPushAt else { return false }
        return nextPushAt > now && nextPushAt - Self.longestRestMilliseconds < now
    }
}
