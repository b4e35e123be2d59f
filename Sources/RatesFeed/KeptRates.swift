package import CivilTime
internal import Money
package import RatesCore
package import Topology

/// A provider's rates in force and the evidence for different ones, as bytes for a later run. JSON,
/// so that people can read it.
package struct KeptRates: Sendable {
    package var provider: RatesProvider
    package var ledger: RateLedger
    /// When the rates were first fetched.
    package var fetchedAt: UnixTime

    package init(provider: RatesProvider, ledger: RateLedger, fetchedAt: UnixTime) {
        self.provider = provider
        self.ledger = ledger
        self.fetchedAt = fetchedAt
    }

    /// Contains only codes, digits and our own names, so nothing needs an escape.
    package var bytes: [UInt8] {
        let rates = Self.lines(ledger.inForce) { Self.text($0) }
        let doubts = Self.lines(ledger.doubts) { doubt in
            let repetition = doubt.repetition
            return """
                \(Self.text(doubt.offered)), "first_at_ms": \(repetition.firstAt.milliseconds), \
                "last_at_ms": \(repetition.lastAt.milliseconds), "answers": \(repetition.answers)
                """
        }
        let left = Self.lines(ledger.left) {
            "\"rate\": \"\($0.rate)\", \"at_ms\": \($0.at.milliseconds)"
        }
        return Array(
            """
            {
              "provider": "\(provider.rawValue)",
              "base": "\(ledger.base)",
              "fetched_at_ms": \(fetchedAt.milliseconds),
              "rates": {
            \(rates)
              },
              "doubts": {
            \(doubts)
              },
              "left": {
            \(left)
              }
            }

            """.utf8)
    }

    private static func lines<Value>(
        _ values: [Currency: Value], _ members: (Value) -> String
    ) -> String {
        values.sorted { $0.key < $1.key }.map { "    \"\($0)\": {\(members($1))}" }
            .joined(separator: ",\n")
    }

    private static func text(_ rate: RateLedger.Rate) -> String {
        "\"rate\": \"\(rate.rate)\", \"day\": \"\(rate.day)\","
            + " \"since_ms\": \(rate.since.milliseconds)"
    }
}

extension KeptRates {
    private static let invalid = RatesDocumentError("the rates of an earlier run")

    /// Reads bytes that this version wrote, or the first version of this program, which kept the
    /// rates of one document.
    package init(_ bytes: [UInt8]) throws(RatesDocumentError) {
        guard bytes.count <= RatesDocument.maximumBytes else { throw Self.invalid }
        let root = try JSONReader.read(bytes)
        guard let name = root["provider"]?.text, let provider = RatesProvider(rawValue: name),
            let base = root["base"]?.currency, let fetchedAt = root["fetched_at_ms"]?.time
        else { throw Self.invalid }
        var ledger = RateLedger(source: provider.title, base: base)
        if root["date"] == nil {
            ledger.inForce = try Self.members(root["rates"], Self.rate)
            ledger.doubts = try Self.members(root["doubts"], Self.doubt)
            ledger.left = try Self.members(root["left"]) { value in
                guard let rate = value.exchangeRate, let at = value["at_ms"]?.time else {
                    return nil
                }
                return RateLedger.Left(rate: rate, at: at)
            }
        } else {
            ledger.inForce = try Self.firstVersion(root)
        }
        ledger.inForce[base] = nil
        guard !ledger.inForce.isEmpty else { throw Self.invalid }
        self.init(provider: provider, ledger: ledger, fetchedAt: fetchedAt)
    }

    private static func members<Value>(
        _ object: JSONValue?, _ read: (JSONValue) -> Value?
    ) throws(RatesDocumentError) -> [Currency: Value] {
        guard case .object(let members) = object else { throw invalid }
        var values: [Currency: Value] = [:]
        for (code, member) in members {
            guard let currency = Currency(code: code), let value = read(member) else {
                throw invalid
            }
            values[currency] = value
        }
        return values
    }

    private static func rate(_ value: JSONValue) -> RateLedger.Rate? {
        guard let rate = value.exchangeRate, let day = value["day"]?.text,
            RatesDocument.isDay(day), let since = value["since_ms"]?.time
        else { return nil }
        return RateLedger.Rate(rate: rate, day: day, since: since)
    }

    private static func doubt(_ value: JSONValue) -> RateLedger.Doubt? {
        guard let offered = rate(value), let firstAt = value["first_at_ms"]?.time,
            let lastAt = value["last_at_ms"]?.time, case .number(let digits) = value["answers"],
            let answers = Int(digits)
        else { return nil }
        return RateLedger.Doubt(
            offered: offered,
            repetition: RateLedger.Repetition(firstAt: firstAt, lastAt: lastAt, answers: answers))
    }

    private static func firstVersion(
        _ root: JSONValue
    ) throws(RatesDocumentError) -> [Currency: RateLedger.Rate] {
        guard let date = root["date"]?.text, case .object(let earlier) = root["earlier_dates"],
            case .object(let rates) = root["rates"]
        else { throw invalid }
        let publishedAt = root["published_at_ms"]?.time
        var inForce: [Currency: RateLedger.Rate] = [:]
        for (code, value) in rates {
            let day = earlier[code]?.text ?? date
            guard let currency = Currency(code: code), let text = value.text,
                let rate = try? ExchangeRate(text), RatesDocument.isDay(day),
                let begin = RFC3339.parse("\(day)T00:00:00Z")
            else { throw invalid }
            inForce[currency] = RateLedger.Rate(
                rate: rate, day: day, since: publishedAt ?? begin)
        }
        return inForce
    }
}

extension JSONValue {
    /// A number of milliseconds since 1970 as a time.
    fileprivate var time: UnixTime? {
        guard case .number(let digits) = self else { return nil }
        return Int64(digits).map(UnixTime.init(milliseconds:))
    }

    /// The rate at the key `rate`.
    fileprivate var exchangeRate: ExchangeRate? {
        self["rate"]?.text.flatMap { try? ExchangeRate($0) }
    }
}
