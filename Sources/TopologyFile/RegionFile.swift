import Addresses
import Identifiers
import Money
import Topology

/// Reads one region file.
///
/// Defaults: `topic: transaction.settled`, `group: metrics-viz`, `dlq_topic` the topic with
/// `.dlq`, `timestamps: broker`, `relayed: false`, `state: active`,
/// `ledger.settled: [settled, SETTLED]`, `push_interval: 200ms`; no admin URLs, other ledger keys,
/// key file or exponents. `id`, `kafka`, `logs` and `generation` are required.
struct RegionFile {
    let document: Document
    /// Resolves a path in the file.
    let resolve: (String) -> String

    private static let identifierRule = "1 to 32 of the characters a-z, 0-9 and -"
    private static let logRule = "a log with the keys id and optionally partitions, continues"
    private static let urlRule = "a URL such as https://host:port"

    /// The region in `text`. If values could not be read, it contains placeholders for them, and
    /// only its other parts can be validated.
    func read(_ text: String) -> Region? {
        guard let fields = document.root(of: text) else { return nil }
        let id = fields.required("id", expected: Self.identifierRule, RegionID.init)
        let state = fields.optional(
            "state", expected: ScalarText.choices(of: Region.State.self), Region.State.init)
        let kafka =
            fields.requiredMapping("kafka", expected: "librdkafka properties")?
            .all(expected: "the property's value as plain text") { $0 } ?? []
        let nameRule = "a name"
        let topic = fields.optional("topic", expected: nameRule, ScalarText.nonEmpty)
        let group = fields.optional("group", expected: nameRule, ScalarText.nonEmpty)
        let deadLetters = fields.optional("dlq_topic", expected: nameRule, ScalarText.nonEmpty)
        let logs = fields.requiredMappings("logs", of: Self.logRule).map(log)
        let timestamps = fields.optional(
            "timestamps", expected: ScalarText.choices(of: Region.Timestamps.self),
            Region.Timestamps.init)
        let isRelayed = fields.optional(
            "relayed", expected: ScalarText.flagRule, ScalarText.flag)
        let generation: UInt32? = fields.required(
            "generation", expected: "an integer of at least 1", ScalarText.integer)
        let pushInterval = fields.optional(
            "push_interval", expected: ScalarText.durationRule, ScalarText.duration)
        let adminURLs = fields.optionalList("admin_urls", of: Self.urlRule) { ServiceURL($0) }
        let ledger = ledger(fields)
        let keyFile = fields.optional(
            "key_file", expected: "the path of a file", ScalarText.nonEmpty)
        let exponents = exponents(fields)
        fields.finish()

        return Region(
            id: id ?? RegionID(unchecked: document.file),
            kafka: Dictionary(uniqueKeysWithValues: kafka.map { ($0.key, $0.value) }),
            topic: topic ?? Region.defaultTopic, group: group ?? Region.defaultGroup,
            deadLetterTopic: deadLetters, logs: logs, timestamps: timestamps ?? .broker,
            isRelayed: isRelayed ?? false, generation: generation ?? 1,
            pushInterval: pushInterval ?? Region.defaultPushInterval,
            adminURLs: adminURLs ?? [], ledger: ledger.connection,
            settledWords: ledger.settledWords ?? Region.defaultSettledWords,
            keyFile: keyFile.map(resolve), exponents: exponents, state: state ?? .active)
    }

    /// The ledger's address as text, or a mapping.
    private func ledger(
        _ fields: Fields
    ) -> (connection: String?, settledWords: [String]?) {
        let connectionRule = "the ledger's address"
        guard fields.isMapping("ledger") else {
            return (
                fields.optional("ledger", expected: connectionRule, ScalarText.nonEmpty), nil
            )
        }
        guard let ledger = fields.optionalMapping("ledger") else { return (nil, nil) }
        let connection = ledger.optional(
            "connection", expected: connectionRule, ScalarText.nonEmpty)
        let words = ledger.optionalList(
            "settled", of: "a word that means settled", ScalarText.nonEmpty)
        ledger.finish()
        return (connection, words)
    }

    private func log(_ fields: Fields) -> RegionLog {
        let id = fields.required("id", expected: Self.identifierRule, LogID.init)
        let partitions: Int32? = fields.optional(
            "partitions", expected: "an integer from 1 to \(ShardID.maximumPartitions)",
            ScalarText.integer)
        let beforeRule = "the id of the previous log"
        let continued = fields.optional("continues", expected: beforeRule, LogID.init)
        let replaced = fields.optional("replaces", expected: beforeRule, LogID.init)
        fields.finish()
        if continued != nil, replaced != nil {
            fields.report("replaces", expected: "either continues or replaces, not both")
        }
        return RegionLog(
            id: id ?? LogID(unchecked: ""), partitions: partitions,
            relation: continued.map { .continues($0) } ?? replaced.map { .replaces($0) })
    }

    private func exponents(_ fields: Fields) -> [Currency: Int] {
        guard let overrides = fields.optionalMapping("exponents") else { return [:] }
        var exponents: [Currency: Int] = [:]
        let rule = "an integer from 0 to \(Region.maximumExponent)"
        for (code, exponent) in overrides.all(
            expected: rule, { ScalarText.integer($0) as Int? })
        {
            if let currency = ScalarText.currency(code) {
                exponents[currency] = exponent
            } else {
                overrides.report(code, expected: "\(ScalarText.currencyRule) as key")
            }
        }
        return exponents
    }
}
