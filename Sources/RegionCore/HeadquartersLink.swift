import CivilTime
import DeltaProtocol

/// A node's state for one HQ: the open question, and when it may send the next one.
struct HeadquartersLink {
    struct Question {
        enum Kind {
            case statuses(partition: Int32?)
            /// The shards without an answer yet, and the outcomes that were sent.
            case push(waiting: Set<Int32>, outcomes: [CommandOutcome])
        }

        var number: Int
        var kind: Kind
    }

    /// One at a time.
    var question: Question?
    var backoff = Backoff()
    /// The period in which the node sends nothing.
    private var rest: Range<UnixTime>?
    /// How far HQ's clock is ahead of the node's, in milliseconds, as last heard; nil before.
    var ahead: Int64?
    /// Why HQ last failed to answer; empty if it answered.
    var problem = ""

    /// True if nothing may be sent yet.
    ///
    /// If the clock jumps back to before the rest began, the rest ends: a jump must not silence the
    /// node.
    func isResting(at now: UnixTime) -> Bool { rest?.contains(now) ?? false }

    /// Sends nothing for this long from `now` on.
    mutating func rest(for milliseconds: Int64, from now: UnixTime) {
        rest = milliseconds > 0 ? now..<now + milliseconds : nil
    }
}
