package import Federation

/// When the publisher reads the store, when a report is due, and when viewers get an event: one
/// clockwork for all three, so that none just misses the turn of another.
///
/// - A read follows a commit, at most each `refreshMin`, and comes at least each `refreshMax`.
///   The store's version says that there was a commit, whoever made it: a process that commits
///   nothing itself hears of commits in no other way. Asking for it is one command.
/// - Viewers get an event at most each `eventMin`. What is published earlier waits for its place,
///   and the place has a read of its own: the event says the newest there is, not what has waited.
/// - A report is due at least each `refreshMax`, and soon after a place that passed without an
///   event, whatever the store does meanwhile.
///
/// A value. Times are milliseconds of any clock that never goes back.
package struct PublicationClockwork: Sendable {
    package struct Settings: Hashable, Sendable {
        package var refreshMin: Int64 = 250
        package var refreshMax: Int64 = 1_000
        package var eventMin: Int64 = 500
        /// How often the version is asked for where a read may follow, and the least time between
        /// the end of one read and the next.
        package var look: Int64 = 50

        package init() {}
    }

    /// What the store is to be asked.
    package enum Question: Hashable, Sendable {
        case version
        case changes
    }

    package let settings: Settings
    private var readBeganAt: Int64?
    private var readEndedAt: Int64 = 0
    private var lookedAt: Int64 = 0
    /// Where the store was at the last read; nil where that failed.
    private var position: StorePosition?
    /// Whether the store has changed since, or may have.
    private var hasNews = false
    private var reportedAt: Int64
    private var notifiedAt: Int64?
    private var hasUnseen = false

    package init(_ settings: Settings, at now: Int64) {
        self.settings = settings
        reportedAt = now
    }

    // MARK: - The store

    /// The next question, and when it is due; that may be past.
    ///
    /// - Parameter isWhole: whether a read would read everything. Such a one is never hurried.
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

    /// When a read has a reason before it is due anyway.
    private func readAt(free: Int64) -> Int64? {
        guard hasUnseen else { return hasNews ? free : nil }
        let place = max(free, place)
        // One that would end just before the place would leave its news for the place after.
        return !hasNews || place <= free + settings.refreshMin / 2 ? place : free
    }

    package mutating func readBegan(at now: Int64) {
        readBeganAt = now
        hasNews = false
    }

    /// - Parameter position: where the store was; nil for no answer.
    package mutating func readEnded(_ position: StorePosition?, at now: Int64) {
        self.position = position
        readEndedAt = now
    }

    /// - Parameter position: where the store is; nil for no answer. Then a read says why.
    package mutating func looked(_ position: StorePosition?, at now: Int64) {
        lookedAt = now
        if position != self.position { hasNews = true }
    }

    // MARK: - Reports and viewers

    /// From when on viewers may get another event.
    private var place: Int64 { notifiedAt.map { $0 + settings.eventMin } ?? .min }

    /// When a report is due at the latest.
    package var reportDue: Int64 {
        let due = reportedAt + settings.refreshMax
        // A read has its chance to bring something newer first.
        return hasUnseen ? min(due, max(reportedAt, place) + settings.refreshMin) : due
    }

    /// Notes that a report was made; whether viewers get an event of it now.
    ///
    /// - Parameter isNews: whether it says another total than the one that viewers have.
    package mutating func reported(isNews: Bool, at now: Int64) -> Bool {
        reportedAt = now
        hasUnseen = isNews && now < place
        guard isNews, !hasUnseen else { return false }
        notifiedAt = now
        return true
    }
}
