internal import CRdKafka

/// What the caller of a failed Kafka function should do.
package enum KafkaAnswer: Sendable {
    /// The same call may succeed later; the request is valid.
    case retry
    /// This one record or request is at fault: skip it and continue.
    case drop
    /// Only an operator can help: configuration, permission, version, or a fatal error.
    case stop
}

/// An error code of librdkafka (negative) or of the Kafka protocol (positive).
///
/// A struct rather than an enum because brokers and newer libraries add codes. A code that this
/// build does not know still has a name, and the answer ``KafkaAnswer/stop``.
package struct KafkaErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    init(_ code: rd_kafka_resp_err_t) { rawValue = code.rawValue }

    /// librdkafka's name of the code, such as `_TRANSPORT` or `OFFSET_OUT_OF_RANGE`.
    package var description: String {
        String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(rawValue)))
    }

    /// librdkafka's English description of the code.
    package var meaning: String {
        String(cString: rd_kafka_err2str(rd_kafka_resp_err_t(rawValue)))
    }

    /// Every code that the installed library knows, except its range markers.
    package static var all: [KafkaErrorCode] {
        var descriptions: UnsafePointer<rd_kafka_err_desc>?
        var count = 0
        rd_kafka_get_err_descs(&descriptions, &count)
        return UnsafeBufferPointer(start: descriptions, count: count)
            .filter { $0.desc != nil }.map { KafkaErrorCode($0.code) }
            .filter { ![begin, end, noError].contains($0) }
    }

    private static let begin = Self(RD_KAFKA_RESP_ERR__BEGIN)
    private static let end = Self(RD_KAFKA_RESP_ERR__END)

    package static let noError = Self(RD_KAFKA_RESP_ERR_NO_ERROR)
    /// A connection broke or could not be established.
    package static let transport = Self(RD_KAFKA_RESP_ERR__TRANSPORT)
    /// A TLS session broke or could not be established.
    package static let insecure = Self(RD_KAFKA_RESP_ERR__SSL)
    /// The broker rejected a connection's credentials.
    package static let unauthenticated = Self(RD_KAFKA_RESP_ERR__AUTHENTICATION)
    package static let allBrokersDown = Self(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    package static let timedOut = Self(RD_KAFKA_RESP_ERR__TIMED_OUT)
    package static let invalidArgument = Self(RD_KAFKA_RESP_ERR__INVALID_ARG)
    /// A property is unknown, malformed, or reserved for Tributary.
    package static let invalidConfiguration = Self(RD_KAFKA_RESP_ERR_INVALID_CONFIG)
    /// This consumer does not hold the partition.
    package static let notAssigned = Self(RD_KAFKA_RESP_ERR__STATE)
    /// The producer's queue is full: wait for space, then produce again.
    package static let queueFull = Self(RD_KAFKA_RESP_ERR__QUEUE_FULL)
    /// The record did not reach the broker within `message.timeout.ms`.
    package static let messageTimedOut = Self(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
    package static let messageTooLarge = Self(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    package static let partitionEnd = Self(RD_KAFKA_RESP_ERR__PARTITION_EOF)
    package static let unknownTopicOrPartition = Self(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    package static let unknownTopic = Self(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    package static let unknownPartition = Self(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    package static let offsetOutOfRange = Self(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    /// librdkafka reports that it would have reset an offset, which we forbid.
    package static let offsetResetForbidden = Self(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    package static let fatal = Self(RD_KAFKA_RESP_ERR__FATAL)
    package static let pollIntervalExceeded = Self(RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
    package static let notCoordinator = Self(RD_KAFKA_RESP_ERR_NOT_COORDINATOR)
    package static let illegalGeneration = Self(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)
    package static let rebalanceInProgress = Self(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
    package static let clusterAuthorizationFailed = Self(
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
    package static let topicAuthorizationFailed = Self(
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
}
