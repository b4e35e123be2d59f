package import CivilTime
package import Money

/// The rates in force, counts of the results of all checks, and the problems already reported: a
/// state machine without clock, network or log. `RateLedger` decides which rates to believe.
package struct RatesBook: Sendable {
    private let policy: RatesPolicy
    private let calendar: RatesCalendar
    /// The currencies that totals are converted from.
    private let converted: [Currency]

    /// Nil before the first rates.
    package private(set) var ledger: RateLedger?
    package private(set) var reading: RatesReading?
    package private(set) var counters = RatesCounters()
    /// The last answer that was used, in whole or in part.
    private var answer: PublishedRates?
    /// The last answer of each other source, by its position in the topology.
    private var witnesses: [Int: PublishedRates] = [:]
    /// The reported problems that still exist, by place: `source`, or 0 and up for a witness.
    private var told: [Int: RatesEvent] = [:]
    private static let source = -1

    package init(policy: RatesPolicy, calendar: RatesCalendar, converted: [Currency]) {
        self.policy = policy
        self.calendar = calendar
        self.converted = converted
    }

    /// The outcome of an observation.
    package struct Result {
        /// Whether the source's document was used, so that from now on only a newer one is needed.
        package var isAccepted = false
        package var events: [RatesEvent] = []
    }

    package mutating func take(_ observation: RatesObservation, now: UnixTime) -> Result {
        switch observation {
        case .rates(let rates):
            return weigh(rates, now: now)
        case .confirmed:
            // Not modified: the source gives the same answer again, so count it again.
            guard let answer else { return Result(events: recover(Self.source)) }
            return weigh(answer, now: now)
        case .problem(let problem, let detail, _):
            return Result(events: refuse(problem, detail: detail, of: Self.source))
        case .nothingNew, .stopped:
            return Result()
        }
    }

    /// Takes an answer of another source. It never supplies a rate; it can only confirm a jump.
    package mutating func hear(
        _ observation: RatesObservation, from witness: Int, now: UnixTime
    ) -> Result {
        switch observation {
        case .rates(let rates):
            witnesses[witness] = rates
            return Result(isAccepted: true, events: recover(witness) + settle(now: now))
        case .confirmed:
            return Result(isAccepted: true, events: recover(witness) + settle(now: now))
        case .problem(.fileMissing, _, _):
            // The file of accepted rates is optional: its absence is not a problem.
            witnesses[witness] = nil
            return Result(events: recover(witness))
        case .problem(let problem, let detail, _):
            return Result(events: refuse(problem, detail: detail, of: witness))
        case .nothingNew, .stopped:
            return Result()
        }
    }

    /// Continues with the ledger of an earlier run. Returns false, and does not, if there are rates
    /// already or a rate of the ledger is dated later than tomorrow.
    package mutating func goOn(
        with kept: RateLedger, fetchedAt: UnixTime, now: UnixTime
    ) -> Bool {
        let latest = Day(at: now + 86_400_000).text
        guard ledger == nil, kept.inForce.values.allSatisfy({ $0.day <= latest }) else {
            return false
        }
        ledger = kept
        read(fetchedAt: fetchedAt, confirmedAt: nil)
        return reading != nil
    }

    private mutating func weigh(_ rates: PublishedRates, now: UnixTime) -> Result {
        var next = ledger ?? RateLedger(source: rates.source, base: rates.base)
        let verdict = next.take(rates, policy, needed: converted, now: now)
        if case .refused(let problem, let detail) = verdict {
            // Keep the ledger even so: it counts how often a refused answer was repeated.
            if ledger != nil { ledger = next }
            return Result(events: refuse(problem, detail: detail, of: Self.source))
        }
        ledger = next
        answer = rates
        for flaw in Set(next.flaws.values) { counters.problems[flaw, default: 0] += 1 }
        if !next.doubts.isEmpty { counters.problems[.jump, default: 0] += 1 }
        let events = recover(Self.source) + settle(isAnswer: true, now: now)
        return Result(isAccepted: true, events: events)
    }

    /// Puts believed jumps in force, and returns events for what changed.
    private mutating func settle(isAnswer: Bool = false, now: UnixTime) -> [RatesEvent] {
        guard var next = ledger else { return [] }
        let beliefs = next.settle(
            policy, witnesses: witnesses.sorted { $0.key < $1.key }.map(\.value), now: now)
        guard isAnswer || !beliefs.isEmpty else { return [] }
        ledger = next
        let last = reading
        let fetchedAt = calendar.isFetched ? now : nil
        read(fetchedAt: fetchedAt, confirmedAt: isAnswer ? fetchedAt : last?.confirmedAt)
        guard let reading else { return [] }
        var events: [RatesEvent] = beliefs.sorted { $0.key < $1.key }.compactMap { change in
            next.inForce[change.key].map { .believed(change.key, rate: $0.rate, change.value) }
        }
        if reading.set.id == last?.set.id {
            counters.confirmed += 1
        } else {
            counters.accepted += 1
            events.append(
                .taken(
                    id: reading.set.id, source: reading.set.source, date: reading.set.date,
                    currencies: reading.set.currencies.count))
        }
        if reading.missing != last?.missing ?? [] { events.append(.missing(reading.missing)) }
        if reading.held != last?.held ?? [] { events.append(.held(reading.held)) }
        return events
    }

    /// Rebuilds `reading` from the ledger.
    private mutating func read(fetchedAt: UnixTime?, confirmedAt: UnixTime?) {
        guard let ledger else { return }
        let rates = ledger.inForce.mapValues(\.rate)
        let date = ledger.inForce.values.map(\.day).max() ?? answer?.day ?? ""
        var days = ledger.inForce.mapValues(\.day)
        days[ledger.base] = date
        guard
            let set = RateSet(
                source: ledger.source, date: date, base: ledger.base, rates: rates, days: days)
        else { return }
        reading = RatesReading(
            set: set, fetchedAt: set.id == reading?.set.id ? reading?.fetchedAt : fetchedAt,
            confirmedAt: confirmedAt,
            missing: converted.filter { set.rate(of: $0) == nil }.sorted(), days: days,
            held: ledger.held,
            staleFrom: ledger.inForce.compactMapValues { calendar.staleFrom($0.since) })
    }

    private mutating func refuse(
        _ problem: RatesProblem, detail: String, of source: Int
    ) -> [RatesEvent] {
        counters.problems[problem, default: 0] += 1
        let event = RatesEvent.problem(problem, detail: detail)
        guard event != told.updateValue(event, forKey: source) else { return [] }
        return [event]
    }

    private mutating func recover(_ source: Int) -> [RatesEvent] {
        guard case .problem(let problem, _) = told.removeValue(forKey: source) else { return [] }
        return [.recovered(from: problem)]
    }
}

extension RateLedger {
    /// The last good rates in use although the source now gives a different rate, or no sound one,
    /// in the order of codes.
    fileprivate var held: [HeldRate] {
        inForce.sorted { $0.key < $1.key }.compactMap { currency, last in
            let doubt = doubts[currency]
            guard let reason = doubt == nil ? flaws[currency] : .jump else { return nil }
            return HeldRate(
                currency: currency, rate: last.rate, day: last.day, reason: "\(reason)",
                offered: doubt?.offered.rate, offeredDay: doubt?.offered.day)
        }
    }
}
