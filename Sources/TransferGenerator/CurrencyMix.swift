internal import Money

/// The currencies of generated transfers: 40 % US dollars, then 49 others whose shares decrease
/// like 1 / rank^0.8.
struct CurrencyMix: Sendable {
    /// A currency and its code.
    struct Entry: Sendable {
        /// Its index among the entries.
        var place: Int
        var currency: Currency
        var letters: (UInt8, UInt8, UInt8)
    }

    let entries: [Entry]
    /// The entry of each of 10,000 equal slots.
    private let slots: [UInt8]

    init() {
        var entries: [Entry] = []
        var slots: [UInt8] = []
        slots.reserveCapacity(Self.slotCount)
        for (code, weight) in Self.weights {
            guard let currency = Currency(code: code) else {
                preconditionFailure("the ISO 4217 table lacks \(code)")
            }
            let letters = currency.letters
            slots.append(contentsOf: repeatElement(UInt8(entries.count), count: weight))
            entries.append(
                Entry(
                    place: entries.count, currency: currency,
                    letters: (letters[0], letters[1], letters[2])))
        }
        precondition(slots.count == Self.slotCount, "the weights sum to \(slots.count)")
        self.entries = entries
        self.slots = slots
    }

    /// The entry at `position`.
    func entry(_ streams: RandomStreams, at position: Int) -> Entry {
        entries[Int(slots[streams.below(Self.slotCount, .currency, at: position)])]
    }

    /// An entry other than the one at `position`, for a conflicting repeat.
    func otherEntry(_ streams: RandomStreams, at position: Int) -> Entry {
        entries[(entry(streams, at: position).place + 1) % entries.count]
    }

    static let slotCount = 10_000

    /// Slots of each code: 6,000 / rank^0.8 / Σ rank^−0.8 for all but the first, rounded so that
    /// the running sum is exact.
    private static let weights: [(String, Int)] = [
        ("USD", 4_000), ("EUR", 927), ("GBP", 532), ("JPY", 385), ("CHF", 306), ("CAD", 255),
        ("AUD", 221), ("CNY", 196), ("HKD", 175), ("SGD", 160), ("SEK", 147), ("NOK", 136),
        ("DKK", 127), ("PLN", 119), ("CZK", 112), ("HUF", 107), ("RON", 100), ("UAH", 96),
        ("TRY", 92), ("ILS", 88), ("AED", 85), ("SAR", 81), ("QAR", 78), ("KWD", 75),
        ("BHD", 73), ("INR", 71), ("IDR", 68), ("MYR", 66), ("THB", 65), ("PHP", 63),
        ("VND", 61), ("KRW", 59), ("TWD", 58), ("NZD", 56), ("ZAR", 56), ("NGN", 54),
        ("KES", 52), ("EGP", 52), ("MAD", 50), ("GHS", 50), ("BRL", 48), ("MXN", 48),
        ("ARS", 46), ("CLP", 46), ("COP", 45), ("PEN", 44), ("UYU", 43), ("DOP", 43),
        ("CRC", 42), ("ISK", 41),
    ]
}
