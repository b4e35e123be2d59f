import KafkaClient
import Logging
import RegionCore
import Topology

// Translates between the Kafka client's types and the core's.

extension RegionEvent {
    init(_ event: KafkaEvent) {
        switch event {
        case .assigned(let partitions): self = .assigned(partitions)
        case .revoked, .lost: self = .revoked
        case .endOfPartition(let partition, let offset):
            self = .endOfPartition(PartitionOffset(partition: partition, offset: offset))
        case .offsetOutOfRange(let partition, let offset):
            self = .offsetOutOfRange(PartitionOffset(partition: partition, offset: offset))
        case .partitionFailed(let partition, let error):
            self = .partitionFailed(partition: partition, problem: "\(error)")
        case .commitFailed(let positions, let error):
            self = .commitFailed(
                positions.map { PartitionOffset(partition: $0.partition, offset: $0.offset) },
                problem: "\(error)")
        case .error(let error): self = .clientFailed(ClientProblem(error))
        }
    }
}

extension ClientProblem {
    init(_ error: KafkaError, isFatal: Bool = false) {
        self.init(
            code: error.code.rawValue, text: "\(error)", isFatal: isFatal || error.isFatal,
            isAuthorization: error.code.isAuthorization)
    }
}

extension KafkaPosition {
    init(_ place: PartitionOffset) {
        self.init(partition: place.partition, offset: place.offset)
    }
}

extension NodeEnd {
    /// Throws an error that an operator needs to see.
    func check(of region: Region, expected partitionCount: Int32) throws {
        switch self {
        case .stopped: return
        case .partitions(let found):
            throw RegionError.partitions(of: region, expected: "\(partitionCount)", found: found)
        case .producerStamps: throw RegionError.timestamps(of: region)
        case .client(let problem):
            // The text begins with the code, which the error's description would repeat.
            let code = KafkaErrorCode(rawValue: problem.code)
            let message = String(problem.text.dropFirst("\(code): ".count))
            throw KafkaError(code: code, message: message, isFatal: problem.isFatal)
        }
    }
}

extension Logger {
    func log(_ note: Note) {
        let level: Logger.Level =
            switch note.level {
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        guard level >= logLevel else { return }
        log(level: level, "\(note.text)", metadata: note.fields.mapValues { .string($0) })
    }
}
