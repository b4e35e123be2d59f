import Aggregation
import CivilTime
import KafkaClient
import Logging
import Platform
import Recording
import RegionCore
import Topology

/// Feeds a node its events and performs its actions, on one thread. It decides nothing.
///
/// Anything that blocks for long runs elsewhere: `LogWatcher` queries the broker, each
/// `HeadquartersConnection` talks to its HQ, producers report on their own threads. All of them put
/// events into one inbox.
final class NodeDriver {
    /// How long one poll waits for records: bounds the delay of the inbox.
    private static let pollMs: Int32 = 20
    /// Smaller adjustments of the machine's clock are not reported to the node.
    private static let wallToleranceMs: Int64 = 100
    /// How long to wait for committed offsets.
    private static let committedTimeoutMs: Int32 = 3_000

    private let region: Region
    private let logger: Logger
    private let consumer: KafkaConsumer
    private let watcher: LogWatcher
    private let links: [HeadquartersConnection]
    private let letters: DeadLetterProducer
    private let publisher: CorrectionPublisher
    private let inbox: Inbox<RegionEvent>
    private let recorder: NodeRecorder?

    private let clock = NodeClock()
    /// The last reported lead of the machine's clock over the node's, in milliseconds.
    private var toldAhead: Int64 = 0
    private var node: RegionNode
    /// The node's actions, in order.
    private var actions: [RegionAction] = []
    private var records: [Aggregation.LogRecord] = []
    private var isToldToStop = false
    /// Why the node ended; nil while it runs.
    private var ending: NodeEnd?

    init(
        _ configuration: RegionConfiguration, settings: RegionNodeSettings,
        links: [HeadquartersConnection], watcher: LogWatcher, inbox: Inbox<RegionEvent>,
        logger: Logger
    ) throws {
        region = configuration.region
        self.links = links
        self.watcher = watcher
        self.inbox = inbox
        self.logger = logger
        logger.info(
            "node begins",
            metadata: [
                "topic": "\(region.topic)", "partitions": "\(settings.partitionCount)",
                "log": "\(settings.log)",
            ])
        recorder = try configuration.recordFile.map {
            NodeRecorder(try RecordingFile($0), settings: settings)
        }
        consumer = try KafkaConsumer(
            properties: region.kafka, group: region.group, logger: logger)
        letters = try DeadLetterProducer(
            properties: region.kafka, topic: region.deadLetterTopic, inbox: inbox, logger: logger)
        publisher = CorrectionPublisher(
            properties: region.kafka, topic: region.topic, inbox: inbox, logger: logger)
        node = RegionNode(settings)
        records.reserveCapacity(KafkaConsumer.batchRecordsMax)
    }

    /// Drives the node until it ends.
    ///
    /// - Throws: If it ended for another reason than a stop.
    func run(isStopping: () -> Bool) throws {
        defer {
            consumer.close()
            letters.close()
            publisher.close()
        }
        try consumer.subscribe(region.topic)
        while true {
            if !isToldToStop, isStopping() {
                isToldToStop = true
                tell(.stop)
            }
            for event in inbox.takeAll() {
                tell(event)
                letters.forget(event)
            }
            var events: [KafkaEvent] = []
            _ = consumer.poll(timeoutMs: Self.pollMs) { partition, batch in
                fold(batch, of: partition)
            } onEvent: {
                events.append($0)
            }
            for event in events { tell(RegionEvent(event)) }
            let ahead = clock.wallAhead()
            if (ahead - toldAhead).magnitude > Self.wallToleranceMs {
                toldAhead = ahead
                tell(.wallClock(ahead: ahead))
            }
            tell(.turn)
            if let ending { return try ending.check(of: region, expected: node.partitionCount) }
        }
    }

    /// Sends the node an event and performs its actions.
    private func tell(_ event: RegionEvent) {
        hear(event)
        performAll()
    }

    /// Sends the node an event; its actions are queued after those that wait already.
    private func hear(_ event: RegionEvent) {
        let now = clock.now()
        recorder?.note(event, at: now)
        node.handle(event, at: now, into: &actions)
    }

    private func performAll() {
        var next = 0
        while next < actions.count {
            perform(actions[next])
            next += 1
        }
        actions.removeAll(keepingCapacity: true)
    }

    private func fold(_ batch: UnsafeBufferPointer<KafkaRecord>, of partition: Int32) {
        records.removeAll(keepingCapacity: true)
        var areProducerStamped = false
        for record in batch {
            areProducerStamped = areProducerStamped || record.timestampKind == .producer
            records.append(
                Aggregation.LogRecord(
                    offset: record.offset, timestamp: record.timestampMs,
                    value: record.isTombstone ? nil : record.value))
        }
        records.withUnsafeBufferPointer { records in
            recorder?.note(records, of: partition, areProducerStamped: areProducerStamped)
            node.fold(
                records, of: partition, areProducerStamped: areProducerStamped, into: &actions)
        }
        if actions.isEmpty { return }
        // Letters refer to records of this batch, in the same order.
        var at = 0
        for action in actions {
            guard case .sendLetter(let letter) = action else { continue }
            while batch[at].offset < letter.place.offset { at += 1 }
            letters.send(letter, batch[at])
        }
        performAll()
    }

    /// Performs one action and records it as performed, so that a replay would reveal a decision
    /// taken in the driver.
    private func perform(_ action: RegionAction) {
        switch action {
        case .read(let places): read(places)
        case .askCommitted(let question, let partitions): askCommitted(question, partitions)
        case .commit(let places): commit(places)
        case .askFacts(let question, let partition, let from):
            watcher.askFacts(question: question, partition: partition, from: from)
            did(.askFacts(question: question, partition: partition, from: from))
        case .askEnds(let question, let partitions):
            watcher.askEnds(question: question, of: partitions)
            did(.askEnds(question: question, partitions))
        case .askRecord(let question, let place):
            watcher.askRecord(question: question, at: place)
            did(.askRecord(question: question, place))
        case .push(let hq, let question, let request):
            links[hq].send(.push(question: question, request))
            did(.push(hq: hq, question: question, request))
        case .askStatuses(let hq, let question, let partition):
            links[hq].send(.statuses(question: question, partition: partition))
            did(.askStatuses(hq: hq, question: question, partition: partition))
        case .sendLetter(let letter): did(.sendLetter(letter))
        case .sendShortLetter(let token):
            letters.sendShort(token)
            did(.sendShortLetter(token))
        case .publish(let command, let partition, let record):
            publisher.publish(record, partition: partition, command: command)
            did(.publish(command: command, partition: partition, record: record))
        case .note(let note):
            logger.log(note)
            did(.note(note))
        case .end(let reason):
            ending = reason
            did(.end(reason))
        }
    }

    private func did(_ action: RegionAction) { recorder?.note(action) }

    private func read(_ places: [PartitionOffset]) {
        did(.read(places))
        do {
            try consumer.assign(places.map(KafkaPosition.init))
        } catch {
            hear(.clientFailed(ClientProblem(error, isFatal: true)))
        }
    }

    private func askCommitted(_ question: Int, _ partitions: [Int32]) {
        did(.askCommitted(question: question, partitions))
        do {
            let offsets = try consumer.committedOffsets(
                partitions, timeoutMs: Self.committedTimeoutMs)
            hear(.committed(question: question, offsets))
        } catch {
            hear(.committedUnknown(question: question, problem: "\(error)"))
        }
    }

    private func commit(_ places: [PartitionOffset]) {
        did(.commit(places))
        do {
            try consumer.commit(places.map(KafkaPosition.init))
        } catch {
            hear(.commitFailed(places, problem: "\(error)"))
        }
    }
}
