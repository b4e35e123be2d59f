/// The kinds of records that producers write.
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
    /// A valid transfer whose record has a wrong timestamp.
    case badStamp
    /// A transfer whose producer's clock, and thus its record's stamp, is hours or days off.
    case wrongClock
    /// A valid transfer whose record has no timestamp.
    case noStamp
    /// An amount that nearly fills its bucket.
    case huge
    /// More digits than the currency has, if its source counts finer.
    case imprecise
    case correction
    /// A correction that expects another value than the bucket has.
    case staleCorrection
    case repeatedCorrection
    /// A correction that was issued long before it was written.
    case oldCorrection
    case marker
}
