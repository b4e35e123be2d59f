import CivilTime
import DeltaProtocol

/// What a node keeps of one HQ: the question that is open, and when the next may be asked.
struct HeadquartersLink {
    struct Question {
        enum Kind {
            case statuses(partition: Int32?)
            /// The shards that have no answer yet, and the outcomes that were sent.
            case push(waiting: Set<Int32>, outcomes: [CommandOutcome])
        }

        var number: Int
        var kind: Kind
    }

    /// One at a time.
    var question: Question?
    var backoff = Backoff()
    /// From when, and until when, nothing is sent.
    private var rest: Range<UnixTime>?
    /// How far HQ's clock is ahead of the node's, in milliseconds, as last heard; nil before.
    var ahead: Int64?
    /// Why HQ did not answer last; empty where it did.
    var problem = ""

    /// Whether nothing is to be sent yet.
    ///
    /// A clock that jumped back to before the rest began ends it: it must not silence the node.
    func isResting(at now: UnixTime) -> Bool { rest?.contains(now) ?? false }

    /// Sends nothing from `now` on for so long.
    mutating func rest(for milliseconds: Int64, from now: UnixTime) {
        rest = milliseconds > 0 ? now..<now + milliseconds : nil
    }
}
