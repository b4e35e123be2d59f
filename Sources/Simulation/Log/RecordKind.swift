/// What kinds of record a producer writes.
enum RecordKind: Int, CaseIterable, Sendable {
    case fresh
    /// A settled transfer inside a change event.
    case changeEvent
    /// The same bytes again, soon after.
    case repeatNear
    /// The same bytes again, after the id may have been forgotten.
    case repeatFar
    /// A known id with another amount.
    case conflict
    /// A known id with another time.
    case redated
    /// Settled up to a day ago.
    case delayed
    /// Settled before the retention.
    case late
    /// Settled up to four minutes ahead.
    case ahead
    /// Settled far ahead: rejected.
    case future
    case malformed
    /// A tombstone or a delete.
    case ignored
    /// A good transfer whose record carries a wrong timestamp.
    case badStamp
    /// A transfer whose producer's clock is wrong by hours or days, in its record's stamp too.
    case wrongClock
    /// A good transfer whose record carries no timestamp.
    case noStamp
    /// An amount that leaves room for little else in its bucket.
    case huge
    /// More digits than the currency has, where its source counts finer.
    case imprecise
    case correction
    /// A correction that expects another value than stands.
    case staleCorrection
    case repeatedCorrection
    /// A correction that was issued long before it was written.
    case oldCorrection
    case marker
}
