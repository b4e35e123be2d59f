internal import CRdKafka

/// Builds librdkafka's configuration: the user's properties unchanged, our defaults for properties
/// that the user does not set, and the few values that correctness depends on.
struct HandleConfiguration {
    /// The user's properties, as in the region file.
    var properties: [String: String]
    /// Used for properties that the user does not set.
    var defaults: [String: String] = [:]
    /// Required values: any other value for one of these is refused.
    var fixed: [String: String] = [:]
    /// Properties that must not be set at all.
    var forbidden: Set<String> = []
    /// Properties of the other kind of client, which are ignored.
    var others: Set<String> = []

    /// Properties whose value never appears in an error.
    private static let secretWords = ["password", "secret", "key", "jaas", "token", "oauth"]

    private static let messageBytesMax = 512

    /// The configuration object; the caller owns it.
    func build() throws(KafkaError) -> OpaquePointer {
        try refuseConflicts()
        var merged = defaults
        merged.merge(properties.filter { !others.contains($0.key) }) { _, given in given }
        merged.merge(fixed) { _, ours in ours }
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaError(code: .invalidConfiguration)
        }
        // In order of names, so that the same one of two errors is always reported.
        for (name, value) in merged.sorted(by: { $0.key < $1.key }) {
            if let problem = Self.set(configuration, name, value) {
                rd_kafka_conf_destroy(configuration)
                throw KafkaError(code: .invalidConfiguration, message: problem)
            }
        }
        return configuration
    }

    private func refuseConflicts() throws(KafkaError) {
        for name in properties.keys.sorted() {
            let required = fixed[name]
            if forbidden.contains(name) || (required != nil && required != properties[name]) {
                let rule = required.map { "always \($0)" } ?? "not to be set"
                throw KafkaError(
                    code: .invalidConfiguration, message: "kafka property \(name) is \(rule)")
            }
        }
    }

    /// Sets one property. Returns nil on success, else the error.
    private static func set(
        _ configuration: OpaquePointer, _ name: String, _ value: String
    ) -> String? {
        var text = [CChar](repeating: 0, count: messageBytesMax)
        let result = rd_kafka_conf_set(configuration, name, value, &text, text.count)
        guard result != RD_KAFKA_CONF_OK else { return nil }
        let lowercase = name.lowercased()
        if result == RD_KAFKA_CONF_INVALID, secretWords.contains(where: lowercase.contains) {
            return "kafka property \(name) has a value that librdkafka refuses"
        }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return "kafka property \(name): \(String(decoding: bytes, as: UTF8.self))"
    }
}
