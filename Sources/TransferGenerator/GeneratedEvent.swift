package import CivilTime
package import Money

/// One generated event: the position of its bytes, and the result that a decoder must give.
package struct GeneratedEvent: Sendable {
    package enum Kind: Sendable, Hashable {
        /// The first occurrence of a transfer, in time: it counts.
        case fresh
        /// The bytes of an earlier fresh event.
        case repeated
        /// The id of an earlier fresh event with different content: the first one counts.
        case conflict
        /// The first occurrence of a transfer whose minute left the retention long ago.
        case late
        /// A record that must be rejected.
        case malformed(Malformation)
    }

    /// How the record wraps the transfer.
    package enum Shape: Sendable, Hashable {
        case plain, envelope, envelopeWithSchema, outboxString
    }

    package var kind: Kind
    package var shape: Shape
    /// The range of the record's value in the caller's buffer, without any newline.
    package var value: Range<Int>
    /// The number of the event's id; `appendKey` turns it into the record's key.
    package var identity: Int
    /// The record's currency; for a malformed record, the one before the change.
    package var currency: Currency
    /// Minor units; for a malformed record as `currency`.
    package var amount: Int64
    /// `settled_at_utc`, in whole seconds; for a malformed record as `currency`.
    package var settledAt: UnixTime
    /// The stamp that a broker would have set; never decreases from one event to the next.
    package var recordTime: UnixTime

    /// Whether the event adds its amount to the bucket of its currency and minute.
    package var counts: Bool { kind == .fresh }
}

/// The number of events of each kind.
package struct EventTally: Sendable, Hashable {
    package var fresh = 0
    package var repeated = 0
    package var conflicts = 0
    package var late = 0
    package var malformed = 0

    package init() {}

    package var total: Int { fresh + repeated + conflicts + late + malformed }

    package mutating func count(_ kind: GeneratedEvent.Kind) {
        switch kind {
        case .fresh: fresh += 1
        case .repeated: repeated += 1
        case .conflict: conflicts += 1
        case .late: late += 1
        case .malformed: malformed += 1
        }
    }
}
