package import CivilTime
package import Money

/// The last good rates, what became of every look, and what was said about it: a state machine
/// without clock, network or log.
package struct RatesBook: Sendable {
    private let policy: RatesPolicy
    private let calendar: RatesCalendar
    /// The currencies that totals are converted from.
    private let converted: [Currency]

    package private(set) var reading: RatesReading?
    package private(set) var counters = RatesCounters()
    /// The problem that was told last and is not over.
    private var told: RatesEvent?

    package init(policy: RatesPolicy, calendar: RatesCalendar, converted: [Currency]) {
        self.policy = policy
        self.calendar = calendar
        self.converted = converted
    }

    /// What came of an observation.
    package struct Result {
        /// Whether the observed rates are now the last good ones.
        package var isAccepted = false
        package var events: [RatesEvent] = []
    }

    package mutating func take(_ observation: RatesObservation, now: UnixTime) -> Result {
        switch observation {
        case .rates(let rates):
            if let objection = policy.objection(to: rates, after: reading, now: now) {
                return Result(events: refuse(objection.problem, detail: objection.detail))
            }
            return Result(isAccepted: true, events: accept(rates, now: now))
        case .confirmed:
            counters.confirmed += 1
            reading = reading.map { $0.confirmed(at: now) }
            return Result(events: recover())
        case .problem(let problem, let detail, _):
            return Result(events: refuse(problem, detail: detail))
        case .nothingNew, .stopped:
            return Result()
        }
    }

    /// Takes the rates that an earlier run kept as the last good ones, and answers whether it did:
    /// those that no policy would take at all are not taken here either.
    package mutating func goOn(with kept: KeptRates, now: UnixTime) -> Bool {
        guard reading == nil, policy.objection(to: kept.rates, after: nil, now: now) == nil else {
            return false
        }
        reading = RatesReading(
            set: kept.rates.set, fetchedAt: kept.fetchedAt, publishedAt: kept.rates.publishedAt,
            missing: converted.filter { kept.rates.set.rate(of: $0) == nil }.sorted(),
            earlierDates: kept.rates.earlierDates, staleFrom: calendar.staleFrom(kept.rates))
        return true
    }

    private mutating func accept(_ rates: PublishedRates, now: UnixTime) -> [RatesEvent] {
        let last = reading
        let isSame = last?.set.id == rates.set.id
        let known = Set(converted + (last?.set.currencies ?? []) + (last?.missing ?? []))
        let missing = known.filter { rates.set.rate(of: $0) == nil }.sorted()
        let fetchedAt = calendar.isFetched ? now : nil
        reading = RatesReading(
            set: rates.set, fetchedAt: isSame ? last?.fetchedAt : fetchedAt,
            confirmedAt: fetchedAt, publishedAt: rates.publishedAt, missing: missing,
            earlierDates: rates.earlierDates, staleFrom: calendar.staleFrom(rates))
        var events = recover()
        if isSame {
            counters.confirmed += 1
        } else {
            counters.accepted += 1
            events.append(
                .taken(
                    id: rates.set.id, source: rates.set.source, date: rates.set.date,
                    currencies: rates.set.currencies.count))
        }
        if missing != last?.missing ?? [] { events.append(.missing(missing)) }
        return events
    }

    private mutating func refuse(_ problem: RatesProblem, detail: String) -> [RatesEvent] {
        counters.problems[problem, default: 0] += 1
        let event = RatesEvent.problem(problem, detail: detail)
        guard event != told else { return [] }
        told = event
        return [event]
    }

    private mutating func recover() -> [RatesEvent] {
        guard case .problem(let problem, _) = told else { return [] }
        told = nil
        return [.recovered(from: problem)]
    }
}

extension RatesReading {
    fileprivate func confirmed(at now: UnixTime) -> RatesReading {
        RatesReading(
            set: set, fetchedAt: fetchedAt, confirmedAt: now, publishedAt: publishedAt,
            missing: missing, earlierDates: earlierDates, staleFrom: staleFrom)
    }
}
