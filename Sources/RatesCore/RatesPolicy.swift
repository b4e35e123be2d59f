internal import CivilTime
package import Money

/// Decides which rates of a source to believe. deploy/rates/README.md gives the rules in words.
package struct RatesPolicy: Hashable, Sendable {
    /// Two rates agree if neither is more than this many times the other; nil if any two agree.
    package var jumpFactorMax: ExchangeRate?
    /// Whether the source is an operator's own file. Such a file may have any date and may leave a
    /// currency out, because restoring yesterday's rates and dropping a currency are decisions.
    package var isByHand: Bool

    /// The greatest error of a source's clock or ours.
    static let clockErrorMaxMilliseconds: Int64 = 3_600_000
    /// A rate that a source has carried forward for more days than this does not count. Even the
    /// longest closures of central banks, for a lunar new year or an Eid, are shorter.
    static let carriedDaysMax = 14
    /// A jump is believed after at least this many answers that agree on it…
    package static let answersMin = 3
    /// …over at least this time, because consecutive answers may come from the same cache.
    static let repeatedMilliseconds: Int64 = 30 * 60_000
    /// If the rate before a believed jump returns within this time, it is believed at once.
    static let returnMilliseconds: Int64 = 86_400_000

    package init(jumpFactorMax: ExchangeRate?, isByHand: Bool = false) {
        self.jumpFactorMax = jumpFactorMax
        self.isByHand = isByHand
    }

    func agree(_ a: ExchangeRate, _ b: ExchangeRate) -> Bool {
        jumpFactorMax.map { ExchangeRate.agree(a, with: b, within: $0) } ?? true
    }

    /// The quotes that may be in force at `now`, and the problem of each of the others.
    func sound(
        _ rates: PublishedRates, now: UnixTime
    ) -> (rates: [Currency: RateLedger.Rate], flaws: [Currency: RatesProblem]) {
        // Tomorrow is allowed: a day begins up to 14 hours earlier in the east than in UTC, and
        // some sources date observations a day ahead.
        let latest = Day(at: now + 86_400_000).text
        let today = Day(at: now)
        let newest = rates.quotes.values.lazy.map(\.day).filter { $0 <= latest }.max()
        let earliest = newest.flatMap(Day.init)?.advanced(by: -Self.carriedDaysMax).text ?? ""
        let isEarly = rates.publishedAt.map { $0 > now + Self.clockErrorMaxMilliseconds } ?? false
        var sound: [Currency: RateLedger.Rate] = [:]
        var flaws = rates.flaws
        for (currency, quote) in rates.quotes {
            let begin = Day(quote.day)?.start ?? UnixTime(milliseconds: 0)
            var rate = RateLedger.Rate(
                rate: quote.rate, day: quote.day, since: rates.publishedAt ?? begin)
            if !isByHand {
                if isEarly || quote.day > latest {
                    flaws[currency] = .dateInFuture
                    continue
                }
                if quote.day < earliest {
                    flaws[currency] = .outdated
                    continue
                }
                // A future date counts as now, so that the source can correct it to an earlier one.
                rate.since = min(rate.since, rates.publishedAt == nil ? today.start : now)
            }
            sound[currency] = rate
        }
        return (sound, flaws)
    }

    /// The witness's rate of `currency` in units per one of `base`, as a quotient; nil if it has no
    /// valid rate at `now`.
    func word(
        of witness: PublishedRates, on currency: Currency, base: Currency, now: UnixTime
    ) -> (rate: ExchangeRate, per: ExchangeRate)? {
        let sound = RatesPolicy(jumpFactorMax: nil).sound(witness, now: now).rates
        let earliest = Day(at: now).advanced(by: -Self.carriedDaysMax).text
        func rate(_ currency: Currency) -> ExchangeRate? {
            if currency == witness.base { return .one }
            return sound[currency].flatMap { $0.day >= earliest ? $0.rate : nil }
        }
        guard currency != base, let own = rate(currency), let per = rate(base) else { return nil }
        return (own, per)
    }

    /// Whether the witness's rate agrees with `offered` and not with `last`, the rate in force.
    func confirms(
        _ word: (rate: ExchangeRate, per: ExchangeRate), _ offered: ExchangeRate,
        against last: ExchangeRate
    ) -> Bool {
        guard let jumpFactorMax else { return true }
        func agrees(_ rate: ExchangeRate) -> Bool {
            ExchangeRate.agree(word.rate, per: word.per, with: rate, within: jumpFactorMax)
        }
        return agrees(offered) && !agrees(last)
    }
}

/// A day in UTC.
struct Day {
    var number: Int

    init(at time: UnixTime) { number = Int(time.milliseconds / 86_400_000) }

    /// Nil unless the text is a day in the form `YYYY-MM-DD`.
    init?(_ text: String) {
        guard let time = RFC3339.parse("\(text)T00:00:00Z") else { return nil }
        self.init(at: time)
    }

    var start: UnixTime { UnixTime(milliseconds: Int64(number) * 86_400_000) }
    var text: String { String(RFC3339.format(start).prefix(10)) }

    func advanced(by days: Int) -> Day {
        var day = self
        day.number += days
        return day
    }
}
