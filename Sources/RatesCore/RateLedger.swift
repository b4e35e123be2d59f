package import CivilTime
package import Money

/// Which rate of each currency is in force, and what speaks for another. A value without clock or
/// network: answers and times go in, rates come out, and all that a restart must not lose is here.
///
/// Each currency is judged by itself: one bad element costs one currency its newest rate, and
/// nothing else.
package struct RateLedger: Hashable, Sendable {
    package struct Rate: Hashable, Sendable {
        /// Units per one unit of the base.
        package var rate: ExchangeRate
        /// The day that the source gives it, `YYYY-MM-DD`.
        package var day: String
        /// What is newer goes by this: the time of publication or the beginning of the day, but no
        /// later than when the rate was seen.
        package var since: UnixTime

        package init(rate: ExchangeRate, day: String, since: UnixTime) {
            self.rate = rate
            self.day = day
            self.since = since
        }
    }

    /// How often, and over what time, answers agreed on something.
    package struct Repetition: Hashable, Sendable {
        package var firstAt: UnixTime
        package var lastAt: UnixTime
        package var answers: Int

        package init(firstAt: UnixTime, lastAt: UnixTime, answers: Int) {
            self.firstAt = firstAt
            self.lastAt = lastAt
            self.answers = answers
        }

        init(_ now: UnixTime) { self.init(firstAt: now, lastAt: now, answers: 1) }

        mutating func again(_ now: UnixTime) {
            lastAt = now
            answers += 1
        }

        var isEnough: Bool {
            answers >= RatesPolicy.answersMin
                && lastAt >= firstAt + RatesPolicy.repeatedMilliseconds
        }
    }

    /// A jump that is not believed yet.
    package struct Doubt: Hashable, Sendable {
        package var offered: Rate
        package var repetition: Repetition

        package init(offered: Rate, repetition: Repetition) {
            self.offered = offered
            self.repetition = repetition
        }
    }

    /// What was in force before a jump was believed, and until when.
    package struct Left: Hashable, Sendable {
        package var rate: ExchangeRate
        package var at: UnixTime

        package init(rate: ExchangeRate, at: UnixTime) {
            self.rate = rate
            self.at = at
        }
    }

    /// Why a jump was believed.
    package enum Belief: Hashable, Sendable {
        case repeated
        /// It is the rate before the last jump.
        case cameBack
        /// Another source says the same, by its name.
        case confirmed(by: String)
    }

    package enum Verdict: Hashable, Sendable {
        /// Taken, apart from what `doubts` and `flaws` name.
        case taken
        /// Nothing of the answer was taken.
        case refused(RatesProblem, detail: String)
    }

    package var source: String
    package var base: Currency
    package var inForce: [Currency: Rate]
    package var doubts: [Currency: Doubt]
    package var left: [Currency: Left]
    /// What the last answer has no rate of that could be believed, and why.
    package private(set) var flaws: [Currency: RatesProblem] = [:]
    /// Answers of another base, while they are not believed.
    private var otherBase: [Currency: Repetition] = [:]

    package init(
        source: String, base: Currency, inForce: [Currency: Rate] = [:],
        doubts: [Currency: Doubt] = [:], left: [Currency: Left] = [:]
    ) {
        self.source = source
        self.base = base
        self.inForce = inForce
        self.doubts = doubts
        self.left = left
    }

    /// Takes of an answer what may be believed. `settle` has to follow.
    mutating func take(
        _ answer: PublishedRates, _ policy: RatesPolicy, needed: [Currency], now: UnixTime
    ) -> Verdict {
        let (sound, flaws) = policy.sound(answer, now: now)
        if sound.isEmpty, !policy.isByHand {
            let isEarly = flaws.values.contains(.dateInFuture)
            return .refused(isEarly ? .dateInFuture : .malformed, detail: "dated \(answer.day)")
        }
        if answer.base != base {
            guard inForce.isEmpty || believes(answer.base, sound, policy, needed, now) else {
                return .refused(.baseChanged, detail: "\(answer.base) instead of \(base)")
            }
            self = RateLedger(source: answer.source, base: answer.base)
        } else if !policy.isByHand, isOlder(sound) {
            return .refused(.dateWentBack, detail: "dated \(answer.day)")
        }
        otherBase = [:]
        source = answer.source
        self.flaws = flaws
        if policy.isByHand { inForce = inForce.filter { sound[$0.key] != nil } }
        for currency in inForce.keys where sound[currency] == nil && flaws[currency] == nil {
            self.flaws[currency] = .missing
        }
        for (currency, offered) in sound { weigh(offered, of: currency, policy, now: now) }
        doubts = doubts.filter { inForce[$0.key] != nil }
        return .taken
    }

    /// Whether every rate is older than the one in force.
    private func isOlder(_ sound: [Currency: Rate]) -> Bool {
        sound.allSatisfy { currency, rate in
            inForce[currency].map { rate.since < $0.since } ?? false
        }
    }

    private mutating func weigh(
        _ offered: Rate, of currency: Currency, _ policy: RatesPolicy, now: UnixTime
    ) {
        guard let last = inForce[currency] else {
            inForce[currency] = offered
            return
        }
        if !policy.isByHand, offered.since < last.since { return }
        if policy.agree(offered.rate, last.rate) {
            inForce[currency] = offered
            doubts[currency] = nil
            return
        }
        guard var doubt = doubts[currency], policy.agree(offered.rate, doubt.offered.rate) else {
            doubts[currency] = Doubt(offered: offered, repetition: Repetition(now))
            return
        }
        doubt.repetition.again(now)
        if offered.since >= doubt.offered.since { doubt.offered = offered }
        doubts[currency] = doubt
    }

    /// Believes the jumps that something speaks for.
    mutating func settle(
        _ policy: RatesPolicy, witnesses: [PublishedRates], now: UnixTime
    ) -> [Currency: Belief] {
        var beliefs: [Currency: Belief] = [:]
        for (currency, doubt) in doubts {
            guard let last = inForce[currency],
                let belief = belief(in: doubt, of: currency, last, policy, witnesses, now)
            else { continue }
            // A rate that was wrong for a while does not come back by itself.
            left[currency] = belief == .cameBack ? nil : Left(rate: last.rate, at: now)
            inForce[currency] = doubt.offered
            doubts[currency] = nil
            beliefs[currency] = belief
        }
        return beliefs
    }

    private func belief(
        in doubt: Doubt, of currency: Currency, _ last: Rate, _ policy: RatesPolicy,
        _ witnesses: [PublishedRates], _ now: UnixTime
    ) -> Belief? {
        let offered = doubt.offered.rate
        for witness in witnesses {
            if let word = policy.word(of: witness, on: currency, base: base, now: now),
                policy.confirms(word, offered, against: last.rate)
            {
                return .confirmed(by: witness.source)
            }
        }
        if let left = left[currency], now <= left.at + RatesPolicy.returnMilliseconds,
            policy.agree(offered, left.rate)
        {
            return .cameBack
        }
        return doubt.repetition.isEnough ? .repeated : nil
    }

    /// Whether rates of another base may replace all: at once where, seen from a currency of both,
    /// no needed one jumps, otherwise when they have been repeated.
    private mutating func believes(
        _ base: Currency, _ sound: [Currency: Rate], _ policy: RatesPolicy, _ needed: [Currency],
        _ now: UnixTime
    ) -> Bool {
        guard let factor = policy.jumpFactorMax else { return true }
        // One unit of the old base is the measure of both.
        if let measure = sound[self.base]?.rate {
            let isSteady = needed.allSatisfy { currency in
                guard let rate = currency == base ? .one : sound[currency]?.rate,
                    let last = currency == self.base ? .one : inForce[currency]?.rate
                else { return true }
                return ExchangeRate.agree(rate, per: measure, with: last, within: factor)
            }
            if isSteady { return true }
        }
        var repetition = otherBase[base]
        repetition?.again(now)
        otherBase = [base: repetition ?? Repetition(now)]
        return otherBase[base]?.isEnough ?? false
    }
}
