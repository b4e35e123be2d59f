package import Federation

/// When the publisher reads the store, when a report is due, and when viewers get an event: one
/// clockwork for all three, so that none just misses the turn of another.
///
/// - A read follows a commit, at most every `refreshMin`, and comes at least every `refreshMax`.
///   The store's version reveals commits of any process; a process that commits nothing itself
///   has no other way to notice them. Querying it takes one command.
/// - Viewers get an event at most every `eventMin`. A report published earlier waits for the next
///   possible time, the viewers' place, before which the store is read again: the event carries
///   the newest total, not the one that has waited.
/// - A report is due at least every `refreshMax`, and soon after a place that passed without an
///   event, whatever the store does meanwhile.
///
/// A value. Times are milliseconds of any clock that never goes back.
package struct PublicationClockwork: Sendable {
    package struct Settings: Hashable, Sendable {
        package var refreshMin: Int64 = 250
        package var refreshMax: Int64 = 1_000
        package var eventMin: Int64 = 500
        /// How often the version is queried while a read may follow, and the minimum time between
        /// the end of one read and the next.
        package var look: Int64 = 50

        package init() {}
    }

    /// The query to send to the store.
    package enum Question: Hashable, Sendable {
        case version
        case changes
    }

    package let settings: Settings
    private var readBeganAt: Int64?
    private var readEndedAt: Int64 = 0
    private var lookedAt: Int64 = 0
    /// The store's position at the last read; nil if that failed.
    private var position: StorePosition?
    /// True if the store has changed since, or may have.
    private var hasNews = false
    private var reportedAt: Int64
    private var notifiedAt: Int64?
    private var hasUnseen = false

    package init(_ settings: Settings, at now: Int64) {
        self.settings = settings
        reportedAt = now
    }

    // MARK: - The store

    /// The next question, and when it is due, which may be in the past.
    ///
    /// - Parameter isWhole: true if a read would read everything. Such a read is never brought
    ///   forward.
    package func next(isWhole: Bool) -> (question: Question, at: Int64) {
        guard let began = readBeganAt else { return (.changes, reportedAt) }
        let rested = readEndedAt + settings.look
        let free = max(began + settings.refreshMin, rested)
        let due = max(began + settings.refreshMax, rested)
        guard position != nil, !isWhole else { return (.changes, due) }
        let read = min(due, readAt(free: free) ?? due)
        let look = max(free, lookedAt + settings.look)
        return !hasNews && look < read ? (.version, look) : (.changes, read)
    }

    /// When there is a reason to read before a read is due anyway.
    private func readAt(free: Int64) -> Int64? {
        guard hasUnseen else { return hasNews ? free : nil }
        let place = max(free, place)
        // A read that would end just before the place would defer later news to the next place.
        return !hasNews || place <= free + settings.refreshMin / 2 ? place : free
    }

    package mutating func readBegan(at now: Int64) {
        readBeganAt = now
        hasNews = false
    }

    /// - Parameter position: the store's position; nil if it did not answer.
    package mutating func readEnded(_ position: StorePosition?, at now: Int64) {
        self.position = position
        readEndedAt = now
    }

    /// - Parameter position: the store's position; nil if it did not answer, in which case a read
    ///   will report why.
    package mutating func looked(_ position: StorePosition?, at now: Int64) {
        lookedAt = now
        if position != self.position { hasNews = true }
    }

    // MARK: - Reports and viewers

    /// The earliest time at which viewers may get another event.
    private var place: Int64 { notifiedAt.map { $0 + settings.eventMin } ?? .min }

    /// The latest time at which a report is due.
    package var reportDue: Int64 {
        let due = reportedAt + settings.refreshMax
        // First give a read the chance to bring something newer.
        return hasUnseen ? min(due, max(reportedAt, place) + settings.refreshMin) : due
    }

    /// Records that a report was made. Returns true if viewers get it as an event now.
    ///
    /// - Parameter isNews: true if its total differs from the one that viewers have.
    package mutating func reported(isNews: Bool, at now: Int64) -> Bool {
        reportedAt = now
        hasUnseen = isNews && now < place
        guard isNews, !hasUnseen else { return false }
        notifiedAt = now
        return true
    }
}
