import Aggregation
import CivilTime
import DeltaCodec
import DeltaProtocol
import RegionCore

/// Encodes a node's actions. They are only compared, so there is no decoder.
extension FieldWriter {
    mutating func write(_ action: RegionAction) {
        write(kind: action.kind.rawValue) { $0.writeContent(of: action) }
    }

    private mutating func writeContent(of action: RegionAction) {
        switch action {
        case .read(let places), .commit(let places): write(each: places) { $0.write($1) }
        case .askCommitted(let question, let partitions), .askEnds(let question, let partitions):
            write(question)
            write(each: partitions) { $0.write($1) }
        case .askRecord(let question, let place):
            write(question)
            write(place)
        case .askFacts(let question, let partition, let from):
            write(question)
            write(partition)
            write(from)
        case .push(let hq, let question, let request):
            write(hq)
            write(question)
            write(DeltaCodec.encode(request))
        case .askStatuses(let hq, let question, let partition):
            write(hq)
            write(question)
            write(partition) { $0.write($1) }
        case .sendLetter(let letter):
            write(UInt64(letter.token))
            write(letter.place)
            write(letter.cause.name)
        case .sendShortLetter(let token): write(UInt64(token))
        case .publish(let command, let partition, let record):
            write(command)
            write(partition)
            write(record)
        case .note(let note):
            write(UInt64(note.level.rawValue))
            write(note.text)
            write(each: note.fields.sorted { $0.key < $1.key }) {
                $0.write($1.key)
                $0.write($1.value)
            }
        case .end(let reason): write(reason)
        }
    }

    private mutating func write(_ reason: NodeEnd) {
        switch reason {
        case .stopped: write(UInt64(0))
        case .partitions(let found):
            write(UInt64(1))
            write(found)
        case .producerStamps: write(UInt64(2))
        case .client(let problem):
            write(UInt64(3))
            write(problem)
        }
    }
}

/// The kinds of actions, with stable numbers.
enum RegionActionKind: UInt8, CaseIterable {
    case read = 1
    case askCommitted, commit, askFacts, askEnds, push, askStatuses, sendLetter
    case sendShortLetter, publish, note, end, askRecord
}

extension RegionAction {
    var kind: RegionActionKind {
        switch self {
        case .read: .read
        case .askCommitted: .askCommitted
        case .commit: .commit
        case .askFacts: .askFacts
        case .askEnds: .askEnds
        case .push: .push
        case .askStatuses: .askStatuses
        case .sendLetter: .sendLetter
        case .sendShortLetter: .sendShortLetter
        case .publish: .publish
        case .note: .note
        case .end: .end
        case .askRecord: .askRecord
        }
    }
}
