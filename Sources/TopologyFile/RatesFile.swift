import CivilTime
package import Money

/// Reads exchange rates from a JSON file, or from YAML with the same structure:
///
///     {"base": "EUR", "date": "2026-03-25", "source": "…", "rates": {"USD": "1.0842"}}
///
/// A rate is the number of units of the currency per one unit of the base, as a number or as text.
/// Its digits and exponent are read exactly, without floating point. Strict like `TopologyFile`:
/// reports all problems at once and refuses a file that has any.
package enum RatesFile {
    /// The most bytes of a source's name.
    private static let maximumSourceBytes = 200

    /// The set at `path`.
    package static func load(path: String) throws(TopologyFileError) -> RateSet {
        let document = Document(file: path)
        var set: RateSet?
        do {
            set = read(try TextFile.read(path), document: document)
        } catch {
            document.report(line: 1, key: "file", expected: error.expected)
        }
        guard document.problems.isEmpty, let set else {
            throw TopologyFileError(problems: document.sortedProblems)
        }
        return set
    }

    private static func read(_ text: String, document: Document) -> RateSet? {
        guard let fields = document.root(of: joiningSurrogates(in: text)) else { return nil }
        let base = fields.required(
            "base", expected: ScalarText.currencyRule, ScalarText.currency)
        let date = fields.required("date", expected: "a day such as 2026-03-25", day)
        let source = fields.required(
            "source", expected: "1 to \(maximumSourceBytes) bytes of text"
        ) { (1...maximumSourceBytes).contains($0.utf8.count) ? $0 : nil }
        let quoted = fields.requiredMapping("rates", expected: "rates by currency code")
        fields.finish()

        var rates: [Currency: ExchangeRate] = [:]
        for (code, text) in quoted?.all(expected: ExchangeRateError.malformed.description, { $0 })
            ?? []
        {
            guard let currency = ScalarText.currency(code) else {
                quoted?.report(code, expected: "\(ScalarText.currencyRule) as key")
                continue
            }
            do {
                rates[currency] = try ExchangeRate(text)
            } catch {
                quoted?.report(code, expected: error.description)
            }
        }
        guard let base, let date, let source else { return nil }
        let set = RateSet(source: source, date: date, base: base, rates: rates)
        if set == nil { quoted?.report(base.code, expected: "1 as the base's own rate") }
        return set
    }

    /// Replaces each pair of UTF-16 surrogate escapes, such as JSON's `\ud83d\ude00`, with the
    /// character that it encodes, because an escape in YAML is always a whole character.
    private static func joiningSurrogates(in text: String) -> String {
        guard text.contains("\\u") else { return text }
        let halves = /\\(?:[^u]|u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2}))/
        return text.replacing(halves) { match in
            guard let high = match.1.flatMap({ UInt32($0, radix: 16) }),
                let low = match.2.flatMap({ UInt32($0, radix: 16) }),
                let scalar = Unicode.Scalar(0x1_0000 + (high - 0xD800) << 10 + (low - 0xDC00))
            else { return String(match.0) }
            return String(scalar)
        }
    }

    /// A day of the calendar in the form `YYYY-MM-DD`.
    private static func day(_ text: String) -> String? {
        text.utf8.count == 10 && RFC3339.parse("\(text)T00:00:00Z") != nil ? text : nil
    }
}
