import Identifiers

extension Region {
    /// All problems of the region by itself, in the order of the keys of a region file.
    package func problems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        func report(_ key: String, _ expected: String) {
            problems.append(TopologyProblem(key: key, expected: expected))
        }

        if kafka["bootstrap.servers", default: ""].isEmpty {
            report("kafka", "the property bootstrap.servers")
        }
        for name in kafka.keys.sorted() {
            if let instead = Self.reservedProperties[name] { report("kafka.\(name)", instead) }
        }
        if !Self.isTopic(topic) { report("topic", Self.topicRule) }
        if !(1...Self.maximumNameBytes).contains(group.utf8.count) {
            report("group", "a group name of 1 to \(Self.maximumNameBytes) bytes")
        }
        if !Self.isTopic(deadLetterTopic) {
            report("dlq_topic", Self.topicRule)
        } else if deadLetterTopic == topic {
            report("dlq_topic", "a topic other than the one that is read")
        }
        problems += logProblems()
        if generation < 1 { report("generation", "an integer of at least 1") }
        if !Self.pushIntervalBounds.contains(pushInterval) {
            report("push_interval", "a duration of 20ms to 2s")
        }
        if adminURLs.count > Self.maximumAdminURLs {
            report("admin_urls", "at most \(Self.maximumAdminURLs) URLs")
        }
        for (place, url) in adminURLs.enumerated() where adminURLs[..<place].contains(url) {
            report("admin_urls[\(place)]", "each URL once")
        }
        problems += settledWordProblems()
        for (currency, exponent) in exponents.sorted(by: { $0.key < $1.key })
        where !(0...Self.maximumExponent).contains(exponent) {
            report("exponents.\(currency)", "an integer from 0 to \(Self.maximumExponent)")
        }
        return problems
    }

    private func settledWordProblems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        if !(1...Self.maximumSettledWords).contains(settledWords.count) {
            problems.append(
                TopologyProblem(
                    key: "ledger.settled", expected: "1 to \(Self.maximumSettledWords) words"))
        }
        for (place, word) in settledWords.enumerated() {
            let key = "ledger.settled[\(place)]"
            if !Self.settledWordBytes.contains(word.utf8.count) {
                let most = Self.settledWordBytes.upperBound
                problems.append(
                    TopologyProblem(key: key, expected: "a word of 1 to \(most) bytes"))
            }
            if settledWords[..<place].contains(word) {
                problems.append(TopologyProblem(key: key, expected: "each word once"))
            }
        }
        return problems
    }

    private func logProblems() -> [TopologyProblem] {
        var problems: [TopologyProblem] = []
        if !(1...Self.maximumLogs).contains(logs.count) {
            problems.append(
                TopologyProblem(key: "logs", expected: "1 to \(Self.maximumLogs) logs"))
        }
        for (place, log) in logs.enumerated() {
            func report(_ key: String, _ expected: String) {
                problems.append(
                    TopologyProblem(key: "logs[\(place)].\(key)", expected: expected))
            }
            if logs[..<place].contains(where: { $0.id == log.id }) {
                report("id", "each log id once")
            }
            if let partitions = log.partitions,
                !(1...ShardID.maximumPartitions).contains(partitions)
            {
                report("partitions", "an integer from 1 to \(ShardID.maximumPartitions)")
            }
            let before = place > 0 ? logs[place - 1].id : nil
            switch (log.relation, before) {
            case (nil, nil): break
            case (nil, let before?):
                report("id", "continues: \(before) or replaces: \(before) as well")
            case (.continues(let named), _) where named != before:
                report("continues", before.map { "the previous log, \($0)" } ?? Self.firstLogRule)
            case (.replaces(let named), _) where named != before:
                report("replaces", before.map { "the previous log, \($0)" } ?? Self.firstLogRule)
            default: break
            }
        }
        return problems
    }

    /// The most bytes that Kafka allows in the name of a topic.
    static let maximumNameBytes = 249

    static let topicRule =
        "a topic name of 1 to \(maximumNameBytes) letters, digits, dots, dashes and underscores"
    static let firstLogRule = "no such key: the first log has no predecessor"

    static func isTopic(_ name: String) -> Bool {
        (1...maximumNameBytes).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_")
            }
    }

    /// Properties that the program sets itself, because other values would break its accounting of
    /// offsets, and the advice for each.
    static let reservedProperties: [String: String] = [
        "group.id": "the key group instead of this property",
        "auto.offset.reset": "no such property: an offset out of range is never reset silently",
        "enable.auto.commit": "no such property: only what HQ acknowledged is committed",
        "auto.commit.enable": "no such property: only what HQ acknowledged is committed",
        "enable.auto.offset.store": "no such property: only what HQ acknowledged is committed",
        "enable.partition.eof": "no such property: the end of a partition is always reported",
        "isolation.level": "no such property: only committed transactions count",
        "check.crcs": "no such property: records are always checked",
        "partitioner": "no such property: keys are placed as Java producers place them",
        "partition.assignment.strategy":
            "no such property: partitions are assigned by range or round robin",
    ]
}
