package import DeltaProtocol
package import Money
package import Topology

/// All that the fold reads besides the log: two nodes with equal settings fold a log to equal bits.
package struct FoldSettings: Sendable {
    /// The generation of the rules in this code. Any change of what a log folds to raises it.
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
        digest.add(Self.rulesGeneration.description)
        digest.add(generation.description)
        digest.add(Limits.retainedMinutes.description)
        digest.add(Limits.sumMagnitude.description)
        digest.add(RecordDecoder.maximumBytes.description)
        for log in logs.sorted() { digest.add(log.name) }
        for log in continuingLogs.sorted() { digest.add("continues=\(log.name)") }
        var scales = [Int8](repeating: 0, count: exponents.isEmpty ? 0 : Currency.count)
        for (currency, exponent) in exponents.sorted(by: { $0.key < $1.key }) {
            scales[Int(currency.index)] = Int8(clamping: currency.exponent - exponent)
            digest.add("\(currency.code)=\(exponent)")
        }
        scaleByCurrency = scales
        for word in settledWords.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            digest.add("settled=\(word)")
        }
        version = FoldVersion(
            rules: Self.rulesGeneration, settings: generation, digest: digest.value)
    }
}

/// The 64-bit FNV-1a hash of strings, each terminated by a zero byte.
private struct FNV1a {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        add(0)
    }

    private mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
}
