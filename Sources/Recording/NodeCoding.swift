import Aggregation
import CivilTime
import DeltaCodec
import DeltaProtocol
import Identifiers
import Money
import RegionCore

/// Encodes and decodes a node's settings and events.
extension FieldWriter {
    /// Omits the key of the id hashes, on which no action depends.
    mutating func write(_ settings: RegionNodeSettings) {
        write(settings.region)
        write(settings.node)
        write(settings.log)
        write(settings.partitionCount)
        write(each: settings.fold.logs) { $0.write($1) }
        write(each: settings.fold.continuingLogs) { $0.write($1) }
        write(settings.fold.version.settings)
        write(settings.fold.isRelayed)
        write(each: settings.fold.exponents.sorted { $0.key < $1.key }) {
            $0.write($1.key)
            $0.write($1.value)
        }
        write(each: settings.fold.settledWords) { $0.write($1) }
        write(settings.deadLetterTopic)
        write(settings.lettersMax)
        write(settings.requiresBrokerStamps)
        write(settings.disorderMilliseconds)
        write(settings.headquarters)
        write(settings.seed)
        write(settings.pushMilliseconds)
        write(settings.headquartersMilliseconds)
        write(settings.endsMilliseconds)
        write(settings.commitMilliseconds)
        write(settings.drainMilliseconds)
    }

    mutating func write(_ generation: UInt32) { write(UInt64(generation)) }

    mutating func write(_ place: PartitionOffset) {
        write(place.partition)
        write(place.offset)
    }

    private mutating func write(_ offsets: [Int32: Int64]) {
        write(each: offsets.sorted { $0.key < $1.key }) {
            $0.write($1.key)
            $0.write($1.value)
        }
    }

    mutating func write(_ event: RegionEvent) {
        write(kind: event.kind.rawValue) { $0.writeContent(of: event) }
    }

    private mutating func writeContent(of event: RegionEvent) {
        switch event {
        case .turn, .revoked, .stop: break
        case .wallClock(let ahead): write(ahead)
        case .assigned(let partitions): write(each: partitions) { $0.write($1) }
        case .committed(let question, let offsets), .ends(let question, let offsets):
            write(question)
            write(offsets)
        case .committedUnknown(let question, let problem), .factsUnknown(let question, let problem),
            .recordUnknown(let question, let problem):
            write(question)
            write(problem)
        case .commitFailed(let places, let problem):
            write(each: places) { $0.write($1) }
            write(problem)
        case .endOfPartition(let place), .offsetOutOfRange(let place): write(place)
        case .partitionFailed(let partition, let problem):
            write(partition)
            write(problem)
        case .clientFailed(let problem): write(problem)
        case .facts(let question, let facts, let isProducerStamped):
            write(question)
            write(facts.low)
            write(facts.high)
            write(facts.start)
            write(facts.startTimestamp) { $0.write($1) }
            write(isProducerStamped)
        case .endsUnknown(let question): write(question)
        case .record(let question, let facts):
            write(question)
            write(facts.low)
            write(facts.high)
            write(facts.record) {
                $0.write($1.offset)
                $0.write($1.timestamp)
                $0.write(UInt64($1.crc))
            }
        case .reply(let hq, let question, let reply, let isLast):
            write(hq)
            write(question)
            write(DeltaCodec.encode(reply))
            write(isLast)
        case .statuses(let hq, let question, let statuses):
            write(hq)
            write(question)
            write(DeltaCodec.encode(statuses))
        case .noAnswer(let hq, let question, let reason):
            write(hq)
            write(question)
            write(reason)
        case .letterAcknowledged(let token): write(UInt64(token))
        case .letterRefused(let token, let isTooLarge, let problem):
            write(UInt64(token))
            write(isTooLarge)
            write(problem)
        case .published(let command, let place):
            write(command)
            write(place)
        case .publishingFailed(let command, let problem):
            write(command)
            write(problem)
        }
    }

    mutating func write(_ problem: ClientProblem) {
        write(problem.code)
        write(problem.text)
        write(problem.isFatal)
        write(problem.isAuthorization)
    }

    private mutating func write(_ reason: NoAnswer) {
        switch reason {
        case .unknown(let problem, let retryAfter):
            write(true)
            write(problem)
            write(retryAfter) {
                $0.write($1.components.seconds)
                $0.write($1.components.attoseconds)
            }
        case .refused(let problem):
            write(false)
            write(problem)
        }
    }
}

/// The kinds of events, with stable numbers.
enum RegionEventKind: UInt8, CaseIterable {
    case turn = 1
    case assigned, revoked, committed, committedUnknown, commitFailed, endOfPartition
    case offsetOutOfRange, partitionFailed, clientFailed, facts, factsUnknown, ends, endsUnknown
    case reply, statuses, noAnswer, letterAcknowledged, letterRefused, published, publishingFailed
    case stop, record, recordUnknown, wallClock
}

extension RegionEvent {
    var kind: RegionEventKind {
        switch self {
        case .turn: .turn
        case .assigned: .assigned
        case .revoked: .revoked
        case .committed: .committed
        case .committedUnknown: .committedUnknown
        case .commitFailed: .commitFailed
        case .endOfPartition: .endOfPartition
        case .offsetOutOfRange: .offsetOutOfRange
        case .partitionFailed: .partitionFailed
        case .clientFailed: .clientFailed
        case .facts: .facts
        case .factsUnknown: .factsUnknown
        case .ends: .ends
        case .endsUnknown: .endsUnknown
        case .reply: .reply
        case .statuses: .statuses
        case .noAnswer: .noAnswer
        case .letterAcknowledged: .letterAcknowledged
        case .letterRefused: .letterRefused
        case .published: .published
        case .publishingFailed: .publishingFailed
        case .stop: .stop
        case .wallClock: .wallClock
        case .record: .record
        case .recordUnknown: .recordUnknown
        }
    }
}

extension FieldReader {
    mutating func nodeSettings() throws -> RegionNodeSettings {
        let region = try id(RegionID.self)
        let node = try text()
        let log = try id(LogID.self)
        let partitionCount: Int32 = try integer()
        let logs = try list { try $0.id(LogID.self) }
        let continuingLogs = try list { try $0.id(LogID.self) }
        let generation = try generation()
        let isRelayed = try flag()
        let exponents = try list { (try $0.currency(), try $0.integer(Int.self)) }
        let settledWords = try list { try $0.text() }
        var settings = RegionNodeSettings(
            region: region, node: node, log: log, partitionCount: partitionCount,
            fold: FoldSettings(
                idKey: IDKey(low: 0, high: 0),
                exponents: Dictionary(exponents, uniquingKeysWith: { first, _ in first }),
                settledWords: settledWords, logs: logs, continuingLogs: continuingLogs,
                generation: generation, isRelayed: isRelayed),
            headquarters: 0, seed: 0)
        settings.deadLetterTopic = try text()
        settings.lettersMax = try integer()
        settings.requiresBrokerStamps = try flag()
        settings.disorderMilliseconds = try integer()
        settings.headquarters = try integer()
        settings.seed = try unsigned()
        settings.pushMilliseconds = try integer()
        settings.headquartersMilliseconds = try integer()
        settings.endsMilliseconds = try integer()
        settings.commitMilliseconds = try integer()
        settings.drainMilliseconds = try integer()
        guard (0...1_024).contains(settings.headquarters) else { throw NotARecording() }
        return settings
    }

    mutating func generation() throws -> UInt32 {
        guard let generation = UInt32(exactly: try unsigned()) else { throw NotARecording() }
        return generation
    }

    mutating func place() throws -> PartitionOffset {
        PartitionOffset(partition: try integer(), offset: try integer())
    }

    private mutating func offsets() throws -> [Int32: Int64] {
        let pairs = try list { (try $0.integer(Int32.self), try $0.integer(Int64.self)) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    mutating func regionEvent() throws -> RegionEvent {
        guard let kind = RegionEventKind(rawValue: try byte()) else { throw NotARecording() }
        var reader = FieldReader(try content())
        let event = try reader.content(of: kind)
        guard reader.isAtEnd else { throw NotARecording() }
        return event
    }

    private mutating func content(of kind: RegionEventKind) throws -> RegionEvent {
        switch kind {
        case .turn: return .turn
        case .wallClock: return .wallClock(ahead: try integer())
        case .revoked: return .revoked
        case .stop: return .stop
        case .assigned: return .assigned(try list { try $0.integer() })
        case .committed: return .committed(question: try integer(), try offsets())
        case .ends: return .ends(question: try integer(), try offsets())
        case .committedUnknown:
            return .committedUnknown(question: try integer(), problem: try text())
        case .factsUnknown: return .factsUnknown(question: try integer(), problem: try text())
        case .commitFailed:
            return .commitFailed(try list { try $0.place() }, problem: try text())
        case .endOfPartition: return .endOfPartition(try place())
        case .offsetOutOfRange: return .offsetOutOfRange(try place())
        case .partitionFailed:
            return .partitionFailed(partition: try integer(), problem: try text())
        case .clientFailed: return .clientFailed(try clientProblem())
        case .facts: return try facts()
        case .endsUnknown: return .endsUnknown(question: try integer())
        case .recordUnknown: return .recordUnknown(question: try integer(), problem: try text())
        case .record: return try record()
        case .reply: return try reply()
        case .statuses:
            return .statuses(
                hq: try integer(), question: try integer(),
                try DeltaCodec.decodeStatuses(Array(content())))
        case .noAnswer:
            return .noAnswer(hq: try integer(), question: try integer(), try noAnswer())
        case .letterAcknowledged: return .letterAcknowledged(UInt(try unsigned()))
        case .letterRefused:
            return .letterRefused(
                UInt(try unsigned()), isTooLarge: try flag(), problem: try text())
        case .published: return .published(command: try text(), try place())
        case .publishingFailed:
            return .publishingFailed(command: try text(), problem: try text())
        }
    }

    private mutating func facts() throws -> RegionEvent {
        .facts(
            question: try integer(),
            ShardJoin.LogFacts(
                low: try integer(), high: try integer(), start: try integer(),
                startTimestamp: try optional { try $0.integer() }),
            isProducerStamped: try flag())
    }

    private mutating func record() throws -> RegionEvent {
        .record(
            question: try integer(),
            RecordFacts(
                low: try integer(), high: try integer(),
                record: try optional {
                    Fingerprint(
                        offset: try $0.integer(), timestamp: try $0.integer(),
                        crc: UInt32(truncatingIfNeeded: try $0.unsigned()))
                }))
    }

    private mutating func reply() throws -> RegionEvent {
        .reply(
            hq: try integer(), question: try integer(),
            try DeltaCodec.decodeReply(Array(content())), isLast: try flag())
    }

    private mutating func clientProblem() throws -> ClientProblem {
        ClientProblem(
            code: try integer(), text: try text(), isFatal: try flag(),
            isAuthorization: try flag())
    }

    private mutating func noAnswer() throws -> NoAnswer {
        guard try flag() else { return .refused(problem: try text()) }
        return .unknown(
            problem: try text(),
            retryAfter: try optional {
                Duration(
                    secondsComponent: try $0.integer(), attosecondsComponent: try $0.integer())
            })
    }
}
