import HTTPTestSupport
import KafkaClient
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("enable.auto.commit", "true"), ("auto.offset.reset", "earliest"),
        ("group.id", "another"), ("partition.assignment.strategy", "cooperative-sticky"),
        ("isolation.level", "read_uncommitted"), ("check.crcs", "false"),
    ])
    func `Properties that correctness depends on cannot be changed`(name: String, value: String) {
        #expect {
            _ = try KafkaConsumer(properties: [name: value], group: "group", logger: silent)
        } throws: {
            ($0 as? KafkaError)?.code == .invalidConfiguration
                && ($0 as? KafkaError)?.message.contains(name) == true
        }
    }

    @Test func `Each client omits the other kind's properties without a warning`() throws {
        let properties = [
            "bootstrap.servers": "127.0.0.1:1", "session.timeout.ms": "6000",
            "heartbeat.interval.ms": "500", "max.poll.interval.ms": "60000",
            "fetch.wait.max.ms": "100", "fetch.max.bytes": "8000000", "fetch.min.bytes": "1",
            "max.partition.fetch.bytes": "1000000", "fetch.error.backoff.ms": "100",
            "queued.min.messages": "500", "queued.max.messages.kbytes": "1000",
            "group.instance.id": "a", "linger.ms": "5", "compression.type": "lz4",
            "batch.size": "10000", "batch.num.messages": "10", "retries": "5",
            "request.timeout.ms": "1000", "delivery.timeout.ms": "5000",
            "queue.buffering.max.messages": "1000", "retry.backoff.ms": "50",
        ]
        let capture = LogCapture()
        let logger = capture.logger
        let producer = try KafkaProducer(properties: properties, logger: logger)
        producer.close()
        let consumer = try KafkaConsumer(properties: properties, group: "g", logger: logger)
        consumer.close()
        let log = try KafkaLog(properties: properties, topic: "t", logger: logger)
        log.close()
        #expect(capture.lines.filter { $0.contains("property") } == [])
    }

    @Test func `A property with our fixed value is accepted`() throws {
        let consumer = try KafkaConsumer(
            properties: ["enable.auto.commit": "false", "group.id": "group"], group: "group",
            logger: silent)
        consumer.close()
    }

    @Test(arguments: [
        ["acks": "1"], ["partitioner": "random"], ["transactional.id": "x"],
        ["no.such.property": "1"], ["linger.ms": "soon"],
    ])
    func `A producer refuses settings that lose or misplace records`(properties: [String: String]) {
        #expect { _ = try KafkaProducer(properties: properties, logger: silent) } throws: {
            ($0 as? KafkaError)?.code == .invalidConfiguration
                && ($0 as? KafkaError)?.answer == .stop
                && ($0 as? KafkaError)?.message.contains(properties.keys.first ?? "?") == true
        }
    }

    /// With read_committed, the log would seem to end at the oldest open transaction, and a shard
    /// waiting behind it would claim to have seen everything.
    @Test func `An open transaction is not the end of the log`() {
        #expect {
            _ = try KafkaLog(
                properties: ["isolation.level": "read_committed"], topic: "topic", logger: silent)
        } throws: {
            ($0 as? KafkaError)?.code == .invalidConfiguration
                && ($0 as? KafkaError)?.message.contains("isolation.level") == true
        }
    }

    @Test func `A consumer's read-ahead settings do not apply to log queries`() throws {
        let log = try KafkaLog(
            properties: ["queued.min.messages": "500"], topic: "topic", logger: silent)
        log.close()
        #expect {
            _ = try KafkaLog(properties: ["queued.min": "500"], topic: "topic", logger: silent)
        } throws: { ($0 as? KafkaError)?.message.contains("queued.min") == true }
    }

    @Test func `An empty group name and a topic pattern are refused`() throws {
        #expect(throws: KafkaError.self) {
            _ = try KafkaConsumer(properties: [:], group: "", logger: silent)
        }
        let consumer = try KafkaConsumer(properties: [:], group: "group", logger: silent)
        #expect(throws: KafkaError.self) { try consumer.subscribe("^all.*") }
        #expect(throws: KafkaError.self) { try consumer.subscribe("") }
        consumer.close()
    }

    @Test func `No secret appears in an error`() {
        #expect {
            _ = try KafkaConsumer(
                properties: ["ssl.key.location": "hunter2", "security.protocol": "hunter2"],
                group: "group", logger: silent)
        } throws: { ($0 as? KafkaError)?.description.contains("security.protocol") == true }
        #expect {
            _ = try KafkaConsumer(
                properties: ["sasl.oauthbearer.method": "hunter2"], group: "group",
                logger: silent)
        } throws: {
            let text = ($0 as? KafkaError)?.description ?? ""
            return text.contains("sasl.oauthbearer.method") && !text.contains("hunter2")
        }
    }

    @Test func `Every code has a name, a description and an answer`() {
        #expect(KafkaErrorCode.all.count > 140)
        for code in KafkaErrorCode.all {
            #expect(!code.description.isEmpty && !code.meaning.isEmpty)
        }
        let unknown = KafkaErrorCode(rawValue: 31_000)
        #expect(unknown.answer == .stop)
        #expect(unknown.description.contains("31000"))
        let answers: [(KafkaErrorCode, KafkaAnswer)] = [
            (.transport, .retry), (.insecure, .retry), (.unauthenticated, .retry),
            (.timedOut, .retry), (.queueFull, .retry),
            (.notCoordinator, .retry), (.messageTooLarge, .drop), (.fatal, .stop),
            (.topicAuthorizationFailed, .stop), (.offsetOutOfRange, .stop),
            (.offsetResetForbidden, .stop), (.invalidConfiguration, .stop),
        ]
        for (code, answer) in answers { #expect(code.answer == answer, "\(code)") }
        #expect(KafkaError(code: .transport, isFatal: true).answer == .stop)
    }
}
