internal import CRdKafka

/// Builds librdkafka's configuration: the user's properties word for word, our defaults where
/// the user is silent, and the few values that correctness rests on.
struct HandleConfiguration {
    /// The user's properties, as in the region file.
    var properties: [String: String]
    /// Used where the user says nothing.
    var defaults: [String: String] = [:]
    /// Not negotiable: another value for one of these is refused, the same value is fine.
    var fixed: [String: String] = [:]
    /// Properties that must not be given at all.
    var forbidden: Set<String> = []
    /// Properties that are another kind of client's, and are left out here.
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
        // In order of names, so that of two mistakes the same one is always reported.
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

    /// Sets one property; nil when it was taken, else what is wrong with it.
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
