package import CivilTime
package import Money

/// One generated event: where its bytes lie, and what a reader must make of them.
package struct GeneratedEvent: Sendable {
    package enum Kind: Sendable, Hashable {
        /// The first sighting of a transfer, in time: it counts.
        case fresh
        /// The bytes of an earlier fresh event once more.
        case repeated
        /// An earlier fresh event's id with other content: the first one counts.
        case conflict
        /// The first sighting of a transfer whose minute left the retention long ago.
        case late
        /// A record that must be refused.
        case malformed(Malformation)
    }

    /// How the record wraps the transfer.
    package enum Shape: Sendable, Hashable {
        case plain, envelope, envelopeWithSchema, outboxString
    }

    package var kind: Kind
    package var shape: Shape
    /// Where in the caller's buffer the record's value lies: no newline in it or after it.
    package var value: Range<Int>
    /// Which of the generator's ids it bears; `appendKey` turns it into the record's key.
    package var identity: Int
    /// What the record says; of a malformed one, what it would have said.
    package var currency: Currency
    /// Minor units; as `currency`.
    package var amount: Int64
    /// `settled_at_utc`, in whole seconds; as `currency`.
    package var settledAt: UnixTime
    /// The time at which a broker would have stamped it; never falls from one event to the next.
    package var recordTime: UnixTime

    /// Whether the event adds its amount to the bucket of its currency and minute.
    package var counts: Bool { kind == .fresh }
}

/// How many events of each kind there were.
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
