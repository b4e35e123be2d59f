internal import CivilTime
internal import Money
internal import RatesCore

/// Collects the rates of one document, element by element. Leaves out and names elements that are
/// not rates.
struct RatesGathering {
    let base: Currency
    private var quotes: [Currency: PublishedRates.Quote] = [:]
    private var flaws: [Currency: RatesProblem] = [:]

    init(base: Currency) { self.base = base }

    /// Adds a currency's rate from the document. A missing text, or a missing or invalid day, is a
    /// flaw. If a currency has two rates, the one with the newer day counts; if two of the same day
    /// differ, neither counts.
    /// - Throws: if the base's own rate is not 1, because then no other rate can be trusted.
    mutating func add(
        _ text: String?, of currency: Currency, day: String?
    ) throws(RatesDocumentError) {
        let rate: ExchangeRate
        do throws(ExchangeRateError) {
            guard let text, let day, RatesDocument.isDay(day) else { throw .malformed }
            rate = try ExchangeRate(text)
        } catch {
            if currency != base {
                flaws[currency] = error == .notPositive ? .notPositive : .malformed
                quotes[currency] = nil
            }
            return
        }
        guard currency != base else {
            if rate != .one { throw RatesDocumentError("1 as the base's own rate") }
            return
        }
        guard flaws[currency] == nil, let day else { return }
        let quote = PublishedRates.Quote(rate: rate, day: day)
        guard let other = quotes[currency], other != quote else {
            quotes[currency] = quote
            return
        }
        if other.day == day {
            flaws[currency] = .malformed
            quotes[currency] = nil
        } else if other.day < day {
            quotes[currency] = quote
        }
    }

    /// - Throws: if there is no rate at all.
    func published(
        by source: String, at publishedAt: UnixTime? = nil
    ) throws(RatesDocumentError) -> PublishedRates {
        guard let day = quotes.values.map(\.day).max() else {
            throw RatesDocumentError("a rate of at least one known currency")
        }
        return PublishedRates(
            source: source, base: base, day: day, quotes: quotes, flaws: flaws,
            publishedAt: publishedAt)
    }
}
