import Aggregation
import CivilTime
import DeltaProtocol
import Identifiers
import Money
import RegionCore

/// A node that the test drives: its events, its clock, and its actions.
struct NodeFixture: ~Copyable {
    static let region = RegionID(unchecked: "eu-west")
    static let log = LogID(unchecked: "main")
    /// 2026-03-25T13:25:00Z.
    static let start = UnixTime(seconds: 1_774_445_100)

    var node: RegionNode
    let version: FoldVersion
    var now = NodeFixture.start
    /// All actions of the node since `take`.
    var actions: [RegionAction] = []

    init(
        partitions: Int32 = 1, headquarters: Int = 1,
        _ change: (inout RegionNodeSettings) -> Void = { _ in }
    ) {
        var settings = RegionNodeSettings(
            region: Self.region, node: "n1", log: Self.log, partitionCount: partitions,
            fold: FoldSettings(idKey: IDKey(low: 1, high: 2), logs: [Self.log]),
            headquarters: headquarters, seed: 7)
        change(&settings)
        version = settings.fold.version
        node = RegionNode(settings)
    }

    mutating func tell(_ event: RegionEvent) {
        node.handle(event, at: now, into: &actions)
    }

    /// Advances the clock and sends a turn.
    mutating func turn(after milliseconds: Int64 = 0) {
        now = now + milliseconds
        tell(.turn)
    }

    mutating func take() -> [RegionAction] {
        defer { actions = [] }
        return actions
    }

    /// Folds the values as records from `offset` on.
    mutating func fold(_ values: [String], from offset: Int64, of partition: Int32 = 0) {
        let bytes = values.flatMap { Array($0.utf8) }
        bytes.withUnsafeBytes { bytes in
            var start = 0
            let records = values.enumerated().map { index, value in
                defer { start += value.utf8.count }
                return LogRecord(
                    offset: offset + Int64(index), timestamp: now.milliseconds,
                    value: UnsafeRawBufferPointer(
                        rebasing: bytes[start..<start + value.utf8.count]))
            }
            records.withUnsafeBufferPointer {
                node.fold($0, of: partition, areProducerStamped: false, into: &actions)
            }
        }
    }

    func transfer(_ id: String, _ amount: Int64) -> String {
        #"{"transfer_id":"\#(id)","currency":"EUR","amount_minor_units":\#(amount),"#
            + #""settled_at_utc":"\#(RFC3339.format(now))"}"#
    }

    // MARK: - The way to a folding shard

    /// Assigns partitions to the node and answers all its questions, so that it folds an empty log.
    mutating func join(partitions: [Int32] = [0]) {
        tell(.assigned(partitions))
        for _ in 0..<4 {
            turn()
            answer()
        }
    }

    /// Answers for HQs: their time, and that they have no shards.
    mutating func hear() {
        for case .askStatuses(let hq, let question, _) in take() {
            tell(
                .statuses(
                    hq: hq, question: question, ShardStatuses(shards: [], serverTime: now)))
        }
    }

    /// Answers every open question: an empty log, and HQs without state.
    mutating func answer() {
        for action in take() {
            switch action {
            case .askFacts(let question, _, _):
                tell(
                    .facts(
                        question: question,
                        .init(low: 0, high: 0, start: 0, startTimestamp: nil),
                        isProducerStamped: false))
            case .askStatuses(let hq, let question, _):
                tell(
                    .statuses(
                        hq: hq, question: question, ShardStatuses(shards: [], serverTime: now)))
            case .askRecord(let question, let place):
                let last = node.folding(place.partition)?.fold.fingerprint
                tell(
                    .record(
                        question: question,
                        RecordFacts(low: 0, high: place.offset + 1, record: last)))
            case .askCommitted(let question, _): tell(.committed(question: question, [:]))
            case .askEnds(let question, let partitions):
                tell(
                    .ends(
                        question: question,
                        Dictionary(
                            uniqueKeysWithValues: partitions.map {
                                ($0, node.folding($0)?.fold.coverage ?? 0)
                            })))
            case .push(let hq, let question, let request):
                tell(.reply(hq: hq, question: question, commit(request), isLast: true))
            default: break
            }
        }
    }

    /// An HQ's answer that takes everything.
    func commit(_ request: DeltaRequest, commands: [NodeCommand] = []) -> DeltaReply {
        DeltaReply(
            shards: request.shards.map {
                ShardReply(
                    log: $0.log, partition: $0.partition, outcome: .committed,
                    watermark: $0.coverage, claims: $0.claims,
                    fingerprint: $0.fingerprint)
            }, serverTime: now, commands: commands)
    }

    static func push(_ actions: [RegionAction], to hq: Int = 0) -> (
        question: Int, request: DeltaRequest
    )? {
        for action in actions {
            if case .push(hq, let question, let request) = action { return (question, request) }
        }
        return nil
    }

    static func commits(_ actions: [RegionAction]) -> [PartitionOffset] {
        actions.flatMap { action -> [PartitionOffset] in
            if case .commit(let places) = action { places } else { [] }
        }
    }

    static func letters(_ actions: [RegionAction]) -> [Letter] {
        actions.compactMap { if case .sendLetter(let letter) = $0 { letter } else { nil } }
    }

    static func reads(_ actions: [RegionAction]) -> [[PartitionOffset]] {
        actions.compactMap { if case .read(let places) = $0 { places } else { nil } }
    }
}
