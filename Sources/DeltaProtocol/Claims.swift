package import CivilTime

/// How far back a shard's state reaches, in values and in knowledge of the log. Two states of equal
/// coverage may know different parts of the past.
package struct Claims: Hashable, Sendable {
    /// Earlier than every real minute.
    package static let always = Minute(.min)

    /// The first minute that has values, seeded ones included; at most `idsFrom`.
    package var valuesFrom: Minute
    /// The first minute that the state knows in full from the log: every transfer of it, and its
    /// ids, except for `idsShortUntil`.
    package var idsFrom: Minute
    /// Earlier minutes were decided with less than 25 h 11 min of ids: a repeat with another time,
    /// or of late money, may have been taken for new. `always` if there are none.
    package var idsShortUntil: Minute

    package init(valuesFrom: Minute, idsFrom: Minute, idsShortUntil: Minute = Claims.always) {
        self.valuesFrom = min(valuesFrom, idsFrom)
        self.idsFrom = idsFrom
        self.idsShortUntil = idsShortUntil
    }

    /// The claims of a state without values from before the minute that it knows in full.
    package init(from minute: Minute) { self.init(valuesFrom: minute, idsFrom: minute) }

    /// The claims of a state that folded its log from the beginning.
    package static let all = Claims(valuesFrom: always, idsFrom: always)

    /// True if a state with these claims may replace minutes of one with `other`: it reaches
    /// further back, and it decided no minute with fewer ids.
    package func reachesFurtherBack(than other: Claims) -> Bool {
        idsFrom < other.idsFrom && idsShortUntil <= other.idsShortUntil
    }

    /// True if the state decided these minutes from all of their records, with all ids that matter.
    package func know(_ minutes: ClosedRange<Minute>) -> Bool {
        minutes.lowerBound >= max(idsFrom, idsShortUntil)
    }

    /// The claims after a node with `other` continues this state: only minutes known to both are
    /// kept up to date.
    package func narrowed(by other: Claims) -> Claims {
        Claims(
            valuesFrom: max(valuesFrom, other.valuesFrom), idsFrom: max(idsFrom, other.idsFrom),
            idsShortUntil: max(idsShortUntil, other.idsShortUntil))
    }
}
