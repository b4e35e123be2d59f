import Addresses
import ArgumentParser
import CivilTime
import Money
import RatesCore
import RatesFeed
import Topology

/// Drives `RatesBook` from a script and prints its state after each line, so that another program
/// can check it. It reads no clock: the script gives the time.
struct RatesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rates", abstract: "Print the exchange rates that a script puts in force.",
        discussion: """
            Lines on standard input, tab-separated, times in milliseconds since 1970, documents in \
            hexadecimal digits, lists with commas between:

              begin    PROVIDER FACTOR CURRENCIES BASES CODE:MINOR_UNITS,…
              answer   TIME DOCUMENT          an answer of the source
              same     TIME                   the source answers: not modified
              witness  TIME NUMBER DOCUMENT   an answer of another source, in Frankfurter's format
              restart  TIME                   a new process continues with the kept rates

            Prints one line for each line other than `begin`: `taken`, `refused` or `none`; \
            rates in force as CODE=RATE@DAY; held ones as CODE:REASON:OFFERED; totals as CODE=MINOR.
            """)

    func run() throws {
        var script: Script?
        while let line = readLine() {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false)
                .map(String.init)
            if words.first == "begin" {
                script = try Script(words)
            } else {
                guard let answer = try script?.play(words) else { throw ScriptError(line: line) }
                print(answer)
            }
        }
    }
}

private struct ScriptError: Error {
    var line: String
}

/// One run of answers, and the book that takes them.
private struct Script {
    private let provider: RatesProvider
    private let policy: RatesPolicy
    private let calendar: RatesCalendar
    private let currencies: [Currency]
    private let bases: [Currency]
    private let amounts: [(currency: Currency, minorUnits: Int128)]
    private var book: RatesBook

    init(_ words: [String]) throws {
        guard words.count == 6, let provider = RatesProvider(rawValue: words[1]),
            let url = ResourceURL(provider.defaultURL)
        else { throw ScriptError(line: words.joined(separator: " ")) }
        self.provider = provider
        policy = RatesPolicy(jumpFactorMax: try ExchangeRate(words[2]))
        calendar = RatesCalendar(RatesSource(provider: provider, url: url))
        currencies = Self.list(words[3]).compactMap(Currency.init(code:))
        bases = Self.list(words[4]).compactMap(Currency.init(code:))
        amounts = Self.list(words[5]).compactMap { word in
            let parts = word.split(separator: ":").map(String.init)
            guard parts.count == 2, let currency = Currency(code: parts[0]),
                let minorUnits = Int128(parts[1])
            else { return nil }
            return (currency, minorUnits)
        }
        book = RatesBook(policy: policy, calendar: calendar, converted: currencies)
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map(String.init)
    }

    mutating func play(_ words: [String]) throws -> String {
        guard words.count >= 2, let milliseconds = Int64(words[1]) else {
            throw ScriptError(line: words.joined(separator: " "))
        }
        let now = UnixTime(milliseconds: milliseconds)
        var isAccepted = false
        switch (words[0], words.count) {
        case ("answer", 3):
            isAccepted = book.take(Self.observation(words[2], of: provider), now: now).isAccepted
        case ("same", 2):
            isAccepted = book.take(.confirmed, now: now).isAccepted
        case ("witness", 4):
            _ = book.hear(
                Self.observation(words[3], of: .frankfurter), from: Int(words[2]) ?? 0, now: now)
        case ("restart", 2):
            try restart(now)
        default:
            throw ScriptError(line: words.joined(separator: " "))
        }
        let hasVerdict = words[0] == "answer" || words[0] == "same"
        let verdict = hasVerdict ? (isAccepted ? "taken" : "refused") : "none"
        return [verdict, inForce, held, totals].joined(separator: "\t")
    }

    private static func observation(
        _ hexadecimal: String, of provider: RatesProvider
    ) -> RatesObservation {
        let digits = Array(hexadecimal.utf8)
        let bytes = stride(from: 0, to: digits.count, by: 2).map { at in
            UInt8(
                String(decoding: digits[at..<min(at + 2, digits.count)], as: UTF8.self), radix: 16)
                ?? 0
        }
        do throws(RatesDocumentError) {
            return .rates(try RatesDocument.read(bytes, of: provider))
        } catch {
            return .problem(.malformed, detail: error.description, retryAfter: nil)
        }
    }

    /// Restarts as a process does, from the bytes of its kept rates.
    private mutating func restart(_ now: UnixTime) throws {
        let last = book
        book = RatesBook(policy: policy, calendar: calendar, converted: currencies)
        guard let ledger = last.ledger, let fetchedAt = last.reading?.fetchedAt else { return }
        let bytes = KeptRates(provider: provider, ledger: ledger, fetchedAt: fetchedAt).bytes
        let kept = try KeptRates(bytes)
        _ = book.goOn(with: kept.ledger, fetchedAt: kept.fetchedAt, now: now)
    }

    private var inForce: String {
        guard let reading = book.reading else { return "" }
        return reading.set.currencies.compactMap { currency in
            reading.set.rate(of: currency).map {
                "\(currency)=\($0)@\(reading.days[currency] ?? "")"
            }
        }.joined(separator: ",")
    }

    private var held: String {
        (book.reading?.held ?? []).map {
            "\($0.currency):\($0.reason):\($0.offered?.description ?? "")"
        }.joined(separator: ",")
    }

    private var totals: String {
        guard let set = book.reading?.set else { return "" }
        let sum = Converter(rates: set).sum(amounts)
        return bases.compactMap { base in
            (try? sum.minorUnits(in: base)).map { "\(base)=\($0)" }
        }.joined(separator: ",")
    }
}
