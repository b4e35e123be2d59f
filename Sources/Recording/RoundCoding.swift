import CivilTime
import DeltaCodec
import DeltaProtocol
import Federation
import Identifiers
import Money

/// Encodes and decodes commit rounds' settings and events.
extension FieldWriter {
    mutating func write(_ settings: CommitRound.Settings) {
        write(each: settings.knownLogs.sorted { $0.key < $1.key }) {
            $0.write($1.key)
            $0.write($1.value)
        }
        write(each: settings.fixedPartitions.sorted { $0.key < $1.key }) {
            $0.write($1.key)
            $0.write($1.value)
        }
        write(settings.currentLog) { $0.write($1) }
        write(settings.isSummed)
        write(settings.comparesDigests)
        write(settings.bounds.attempts)
        write(settings.bounds.bucketsPerWrite)
        write(settings.bounds.hashesPerRead)
    }

    mutating func write(_ event: CommitRound.Event) {
        write(kind: event.kind.rawValue) { $0.writeContent(of: event) }
    }

    private mutating func writeContent(of event: CommitRound.Event) {
        switch event {
        case .begun, .repaired, .written, .conflicted, .failed, .storeFailed: break
        case .read(let readings):
            write(each: readings) { writer, reading in
                writer.write(reading) {
                    $0.write($1.watermark) { $0.write($1) }
                    $0.write($1.liveness) { $0.write($1) }
                    $0.write($1.buckets)
                    $0.write($1.late)
                }
            }
        case .digested(let found):
            write(found) {
                $0.write($1.watermark)
                $0.write($1.claims.valuesFrom)
                $0.write($1.claims.idsFrom)
                $0.write($1.claims.idsShortUntil)
                $0.write($1.digest.high)
                $0.write($1.digest.low)
            }
        }
    }

    mutating func write(_ buckets: [Bucket]) {
        write(each: buckets) {
            $0.write($1.minute)
            $0.write($1.currency)
            $0.write($1.value)
        }
    }

    mutating func write(_ value: BucketValue) {
        write(value.settled)
        write(value.transfers)
        write(value.correction)
    }

    // MARK: - Actions, for comparison only

    mutating func write(_ action: CommitRound.Action) {
        write(kind: action.kind.rawValue) { $0.writeContent(of: action) }
    }

    private mutating func writeContent(of action: CommitRound.Action) {
        switch action {
        case .repair(let minutes): write(each: minutes.sorted()) { $0.write($1) }
        case .read(let questions):
            write(each: questions) {
                $0.write($1.log)
                $0.write($1.partition)
                $0.write(each: $1.minutes.buckets) { $0.write($1) }
                $0.write(each: $1.minutes.late) { $0.write($1) }
                $0.write($1.minutes.beyond) { $0.write($1) }
            }
        case .write(let step): write(step)
        case .digest(let shard, let minutes):
            write(shard)
            write(minutes.lowerBound)
            write(minutes.upperBound)
        case .answer(let reply): write(DeltaCodec.encode(reply))
        case .giveUp: break
        }
    }

    private mutating func write(_ shard: ShardID) {
        write(shard.region)
        write(shard.log)
        write(shard.partition)
    }

    private mutating func write(_ step: CommitStep) {
        write(each: step.commits) { writer, commit in
            writer.write(commit.shard)
            for text in [
                commit.expectedWatermark, commit.expectedLiveness, commit.watermark,
                commit.liveness,
            ] { writer.write(text) { $0.write($1) } }
            writer.write(each: commit.changes) {
                $0.write($1.minute)
                $0.write($1.currency)
                $0.write($1.value)
                $0.write($1.published)
                $0.write($1.transfers)
            }
            writer.write(commit.late)
            writer.write(commit.missed)
            writer.write(commit.ignoredBuckets)
        }
        write(each: step.differences) {
            $0.write($1.minute)
            $0.write($1.currency)
            $0.write($1.published)
            $0.write($1.transfers)
        }
        write(each: step.partitionCounts) {
            $0.write($1.log)
            $0.write($1.count)
        }
    }
}

/// The kinds of events and actions, with stable numbers.
enum RoundEventKind: UInt8, CaseIterable {
    case begun = 1
    case repaired, read, written, conflicted, failed, digested, storeFailed
}

enum RoundActionKind: UInt8, CaseIterable {
    case repair = 1
    case read, write, digest, answer, giveUp
}

extension CommitRound.Event {
    var kind: RoundEventKind {
        switch self {
        case .begun: .begun
        case .repaired: .repaired
        case .read: .read
        case .written: .written
        case .conflicted: .conflicted
        case .failed: .failed
        case .digested: .digested
        case .storeFailed: .storeFailed
        }
    }
}

extension CommitRound.Action {
    var kind: RoundActionKind {
        switch self {
        case .repair: .repair
        case .read: .read
        case .write: .write
        case .digest: .digest
        case .answer: .answer
        case .giveUp: .giveUp
        }
    }
}

extension FieldReader {
    mutating func roundSettings() throws -> CommitRound.Settings {
        let logs = try list { (try $0.id(LogID.self), try $0.integer(Int32.self)) }
        let fixed = try list { (try $0.id(LogID.self), try $0.integer(Int32.self)) }
        var settings = CommitRound.Settings(
            knownLogs: Dictionary(logs, uniquingKeysWith: { first, _ in first }),
            fixedPartitions: Dictionary(fixed, uniquingKeysWith: { first, _ in first }),
            currentLog: try optional { try $0.id() }, isSummed: try flag(),
            comparesDigests: try flag())
        settings.bounds.attempts = try integer()
        settings.bounds.bucketsPerWrite = try integer()
        settings.bounds.hashesPerRead = try integer()
        return settings
    }

    mutating func roundEvent() throws -> CommitRound.Event {
        guard let kind = RoundEventKind(rawValue: try byte()) else { throw NotARecording() }
        var reader = FieldReader(try content())
        let event = try reader.content(of: kind)
        guard reader.isAtEnd else { throw NotARecording() }
        return event
    }

    private mutating func content(of kind: RoundEventKind) throws -> CommitRound.Event {
        switch kind {
        case .begun: .begun
        case .repaired: .repaired
        case .written: .written
        case .conflicted: .conflicted
        case .failed: .failed
        case .storeFailed: .storeFailed
        case .read:
            .read(
                try list { reader in
                    try reader.optional {
                        ShardReading(
                            watermark: try $0.optional { try $0.text() },
                            liveness: try $0.optional { try $0.text() },
                            buckets: try $0.buckets(), late: try $0.buckets())
                    }
                })
        case .digested:
            .digested(
                try optional {
                    StoredDigest(
                        watermark: try $0.integer(),
                        claims: Claims(
                            valuesFrom: try $0.minute(), idsFrom: try $0.minute(),
                            idsShortUntil: try $0.minute()),
                        digest: ShardDigest(high: try $0.unsigned(), low: try $0.unsigned()))
                })
        }
    }

    private mutating func buckets() throws -> [Bucket] {
        try list {
            Bucket(
                minute: try $0.minute(), currency: try $0.currency(),
                value: BucketValue(
                    settled: try $0.integer(), transfers: try $0.integer(),
                    correction: try $0.integer()))
        }
    }
}
