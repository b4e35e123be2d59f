package import CivilTime
package import Money

/// The rate of each currency that is in force, and the evidence so far for a different one. A value
/// without clock or network: answers and times go in, rates come out. It contains everything that a
/// restart must not lose.
///
/// Each currency is judged separately: a bad element of an answer costs that one currency its
/// newest rate, and nothing else.
package struct RateLedger: Hashable, Sendable {
    package struct Rate: Hashable, Sendable {
        /// Units per one unit of the base.
        package var rate: ExchangeRate
        /// The day that the source states for this rate, `YYYY-MM-DD`.
        package var day: String
        /// Decides which of two rates is newer: the time of publication or the beginning of the
        /// day, but no later than when the rate was seen.
        package var since: UnixTime

        package init(rate: ExchangeRate, day: String, since: UnixTime) {
            self.rate = rate
            self.day = day
            self.since = since
        }
    }

    /// How many answers agreed on something, and when the first and the last of them arrived.
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

    /// The rate that was in force before a believed jump, and when the jump replaced it.
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
        /// It returns to the rate before the last jump.
        case cameBack
        /// Another source, named here, gives the same rate.
        case confirmed(by: String)
    }

    package enum Verdict: Hashable, Sendable {
        /// Taken, except for the currencies in `doubts` and `flaws`.
        case taken
        /// Nothing of the answer was taken.
        case refused(RatesProblem, detail: String)
    }

    package var source: String
    package var base: Currency
    package var inForce: [Currency: Rate]
    package var doubts: [Currency: Doubt]
    package var left: [Currency: Left]
    /// The currencies for which the last answer has no sound rate, and why.
    package private(set) var flaws: [Currency: RatesProblem] = [:]
    /// Answers with another base that is not believed yet, by that base.
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

    /// Takes the sound rates of an answer, and records jumps in `doubts`. Call `settle` next.
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

    /// Puts the jumps with enough evidence in force. Returns the reason for each.
    mutating func settle(
        _ policy: RatesPolicy, witnesses: [PublishedRates], now: UnixTime
    ) -> [Currency: Belief] {
        var beliefs: [Currency: Belief] = [:]
        for (currency, doubt) in doubts {
            guard let last = inForce[currency],
                let belief = belief(in: doubt, of: currency, last, policy, witnesses, now)
            else { continue }
            // After a return, the wrong rate is not recorded, so it cannot return the same way.
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

    /// Whether rates with another base may replace all rates: at once if no needed currency jumps
    /// when both are measured in the old base, otherwise once they have been repeated often enough.
    private mutating func believes(
        _ base: Currency, _ sound: [Currency: Rate], _ policy: RatesPolicy, _ needed: [Currency],
        _ now: UnixTime
    ) -> Bool {
        guard let factor = policy.jumpFactorMax else { return true }
        // Compare old and new rates per one unit of the old base.
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
