package import Addresses
package import Identifiers
package import Money

/// A region of the topology: its Kafka, its topic, and how its records are to be read.
package struct Region: Hashable, Sendable {
    /// Who stamps the topic's records.
    package enum Timestamps: String, Hashable, Sendable, CaseIterable {
        /// The broker (`LogAppendTime`); checked at start.
        case broker
        /// Producers (`CreateTime`), and their clocks are trusted.
        case trusted
    }

    package enum State: String, Hashable, Sendable, CaseIterable {
        case active
        /// Its money slides out of the window and its alerts are silent.
        case retired
    }

    package var id: RegionID
    /// Verbatim properties of librdkafka; `bootstrap.servers` among them.
    package var kafka: [String: String]
    package var topic: String
    /// The consumer group.
    package var group: String
    /// The topic that takes rejected records.
    package var deadLetterTopic: String
    /// In the order in which they were declared; the last one is being written.
    package var logs: [RegionLog]
    package var timestamps: Timestamps
    /// Whether a relay feeds the topic and marks it: then only its markers prove how far the ledger
    /// is seen, and a relay that died cannot look up to date.
    package var isRelayed: Bool
    /// Rises with every change of what the fold reads: exponents, settled words and log ids. At
    /// least 1.
    package var generation: UInt32
    /// A node pushes a first change to an HQ at once, and later ones this long after the push
    /// before at the latest.
    package var pushInterval: Duration
    /// The admin listeners of the region's nodes.
    package var adminURLs: [ServiceURL]
    /// How to reach the region's ledger; its password is not in it.
    package var ledger: String?
    /// The words for the settled state, as the region's records and its ledger spell them.
    package var settledWords: [String]
    /// The path of the file with the region's signing key.
    package var keyFile: String?
    /// Digits of the minor unit where the region's records differ from ISO 4217, 0 to
    /// `maximumExponent`.
    package var exponents: [Currency: Int]
    package var state: State

    package static let defaultTopic = "transaction.settled"
    package static let defaultGroup = "metrics-viz"
    /// What a topic's dead-letter topic is called unless the region file says otherwise.
    package static func defaultDeadLetterTopic(of topic: String) -> String { topic + ".dlq" }

    /// A node's part of the way to a viewer's second. Each push is one request and one script of
    /// Redis, whatever changed.
    package static let defaultPushInterval: Duration = .milliseconds(200)
    /// An idle shard pushes each 2 s anyway.
    package static let pushIntervalBounds: ClosedRange<Duration> = .milliseconds(20)...(.seconds(2))

    /// As ledgers spell it; a row in any other state settles nothing.
    package static let defaultSettledWords = ["settled", "SETTLED"]
    package static let maximumSettledWords = 16
    package static let settledWordBytes = 1...64

    /// No source counts in smaller units than 10^−9.
    package static let maximumExponent = 9
    /// A region may have had this many logs within the retention of its values.
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

    /// The log that is being written; nil only where validation would refuse the region.
    package var currentLog: RegionLog? { logs.last }

    /// The logs whose values count, the current one last: those it continues, up to one that
    /// replaced what was before.
    package var countedLogs: ArraySlice<RegionLog> { logs[firstCounted...] }

    /// The logs whose values HQ takes out, for a later one replaced them.
    package var replacedLogs: ArraySlice<RegionLog> { logs[..<firstCounted] }

    private var firstCounted: Int {
        let first = logs.lastIndex { log in
            if case .replaces = log.relation { true } else { false }
        }
        return first ?? logs.startIndex
    }

    /// The declared log of this id.
    package func log(_ id: LogID) -> RegionLog? { logs.first { $0.id == id } }
}
