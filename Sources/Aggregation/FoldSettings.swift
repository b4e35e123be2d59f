package import DeltaProtocol
import Hashing
package import Identifiers
package import Money
import Topology

/// All that the fold reads besides the log: two nodes with equal settings fold a log to equal bits.
package struct FoldSettings: Sendable {
    /// The generation of the rules in this code. Any change of a fold's result raises it.
    package static let rulesGeneration: UInt32 = 3

    package let idKey: IDKey
    /// True if a relay feeds the topic, so that only its markers prove how much of the ledger was
    /// seen.
    package let isRelayed: Bool
    package let version: FoldVersion
    /// Decimal digits of the currencies that a source counts in other minor units than ISO 4217.
    package let exponents: [Currency: Int]
    /// The values of a row's state that mean settled.
    package let settledWords: [String]
    /// The region's current logs.
    package let logs: [LogID]
    /// The logs among `logs` that continue another one. Transfers that the previous log may also
    /// hold are not counted.
    package let continuingLogs: [LogID]
    /// By currency index, the power of ten that converts a source's amount to ISO minor units.
    /// Empty if no source differs.
    let scaleByCurrency: [Int8]

    /// - Parameters:
    ///   - exponents: decimal digits, 0 to 9, of the currencies that a source counts in other minor
    ///     units than ISO 4217.
    ///   - settledWords: the values of a row's state that mean settled.
    ///   - logs: the region's current logs.
    ///   - continuingLogs: those of `logs` that continue another log.
    ///   - generation: the operator's generation of these settings.
    package init(
        idKey: IDKey, exponents: [Currency: Int] = [:],
        settledWords: [String] = Region.defaultSettledWords, logs: [LogID] = [],
        continuingLogs: [LogID] = [], generation: UInt32 = 1, isRelayed: Bool = false
    ) {
        self.idKey = idKey
        self.isRelayed = isRelayed
        self.exponents = exponents
        self.settledWords = settledWords
        self.logs = logs
        self.continuingLogs = continuingLogs
        var digest = FNV1a()
        digest.addText(Self.rulesGeneration.description)
        digest.addText(generation.description)
        digest.addText(Limits.retainedMinutes.description)
        digest.addText(Limits.sumMagnitude.description)
        digest.addText(RecordDecoder.maximumBytes.description)
        for log in logs.sorted() { digest.addText(log.name) }
        for log in continuingLogs.sorted() { digest.addText("continues=\(log.name)") }
        var scales = [Int8](repeating: 0, count: exponents.isEmpty ? 0 : Currency.count)
        for (currency, exponent) in exponents.sorted(by: { $0.key < $1.key }) {
            scales[Int(currency.index)] = Int8(clamping: currency.exponent - exponent)
            digest.addText("\(currency.code)=\(exponent)")
        }
        scaleByCurrency = scales
        for word in settledWords.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            digest.addText("settled=\(word)")
        }
        version = FoldVersion(
            rules: Self.rulesGeneration, settings: generation, digest: digest.value)
    }
}

extension FNV1a {
    /// Adds a text and the zero byte that ends it.
    fileprivate mutating func addText(_ text: String) {
        add(text.utf8)
        add(CollectionOfOne(0))
    }
}
