package import Addresses
package import Identifiers
package import Money

/// A region of the topology: its Kafka, its topic, and how to read its records.
package struct Region: Hashable, Sendable {
    /// Who sets the stamps of the topic's records.
    package enum Timestamps: String, Hashable, Sendable, CaseIterable {
        /// The broker (`LogAppendTime`); checked at start.
        case broker
        /// Producers with reliable clocks (`CreateTime`).
        case trusted
    }

    package enum State: String, Hashable, Sendable, CaseIterable {
        case active
        /// Its money slides out of the window without alerts.
        case retired
    }

    package var id: RegionID
    /// librdkafka properties, including `bootstrap.servers`, passed on unchanged.
    package var kafka: [String: String]
    package var topic: String
    /// The consumer group.
    package var group: String
    /// The topic for rejected records.
    package var deadLetterTopic: String
    /// In the order of the file; producers write to the last one.
    package var logs: [RegionLog]
    package var timestamps: Timestamps
    /// Whether a relay feeds the topic and writes markers. Only markers then prove how far the node
    /// has seen the ledger, so a dead relay never looks up to date.
    package var isRelayed: Bool
    /// Rises with every change of the fold's settings: exponents, settled words and log ids. At
    /// least 1.
    package var generation: UInt32
    /// A node pushes a first change to an HQ at once, and later ones at most this long after the
    /// previous push.
    package var pushInterval: Duration
    /// The admin listeners of the region's nodes.
    package var adminURLs: [ServiceURL]
    /// The address of the region's ledger, without its password.
    package var ledger: String?
    /// The values of a row's state that mean settled, in the region's records and its ledger.
    package var settledWords: [String]
    /// The path of the file with the region's signing key.
    package var keyFile: String?
    /// The decimals of currencies for which the region's records differ from ISO 4217, 0 to
    /// `maximumExponent`.
    package var exponents: [Currency: Int]
    package var state: State

    package static let defaultTopic = "transaction.settled"
    package static let defaultGroup = "metrics-viz"
    /// The default name of a topic's dead-letter topic.
    package static func defaultDeadLetterTopic(of topic: String) -> String { topic + ".dlq" }

    /// A node's share of the second in which a transfer reaches viewers. Each push costs one
    /// request and one Redis script, whatever changed.
    package static let defaultPushInterval: Duration = .milliseconds(200)
    /// Even an idle shard pushes every 2 s.
    package static let pushIntervalBounds: ClosedRange<Duration> = .milliseconds(20)...(.seconds(2))

    /// Common spellings; a row with any other state is ignored.
    package static let defaultSettledWords = ["settled", "SETTLED"]
    package static let maximumSettledWords = 16
    package static let settledWordBytes = 1...64

    /// No source uses smaller units than 10^−9.
    package static let maximumExponent = 9
    /// The most logs of a region within the retention of its values.
    package static let maximumLogs = 16
    package static let maximumAdminURLs = 64

    package init(
        id: RegionID, kafka: [String: String], topic: String = defaultTopic,
        group: String = defaultGroup, deadLetterTopic: String? = nil, logs: [RegionLog],
        timestamps: Timestamps = .broker, isRelayed: Bool = false, generation: UInt32 = 1,
        pushInterval: Duration = defaultPushInterval, adminURLs: [ServiceURL] = [],
        ledger: String? = nil,
        settledWords: [String] = defaultSettledWords, keyFile: String? = nil,
        exponents: [Currency: Int] = [:], state: State = .active
    ) {
        self.id = id
        self.kafka = kafka
        self.topic = topic
        self.group = group
        self.deadLetterTopic = deadLetterTopic ?? Self.defaultDeadLetterTopic(of: topic)
        self.logs = logs
        self.timestamps = timestamps
        self.isRelayed = isRelayed
        self.generation = generation
        self.pushInterval = pushInterval
        self.adminURLs = adminURLs
        self.ledger = ledger
        self.settledWords = settledWords
        self.keyFile = keyFile
        self.exponents = exponents
        self.state = state
    }

    /// The log that producers write to; nil only if the region is invalid.
    package var currentLog: RegionLog? { logs.last }

    /// The logs whose values count, the current one last: from the last log that replaces another
    /// one, or else from the first.
    package var countedLogs: ArraySlice<RegionLog> { logs[firstCounted...] }

    /// The logs whose values HQ removes, because a later one replaced them.
    package var replacedLogs: ArraySlice<RegionLog> { logs[..<firstCounted] }

    private var firstCounted: Int {
        let first = logs.lastIndex { log in
            if case .replaces = log.relation { true } else { false }
        }
        return first ?? logs.startIndex
    }

    /// The log with this id.
    package func log(_ id: LogID) -> RegionLog? { logs.first { $0.id == id } }
}
