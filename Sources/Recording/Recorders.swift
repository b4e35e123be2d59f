package import Aggregation
package import CivilTime
import DeltaCodec
package import DeltaProtocol
package import Federation
package import Identifiers
package import RegionCore

/// The kind of a recording, in its first bytes.
enum RecordingKind: String, CaseIterable {
    case node = "tributary recording of a node, 2\n"
    case rounds = "tributary recording of commit rounds, 1\n"
}

enum NodeEntry: UInt8 {
    /// The first entry.
    case settings = 1
    /// An event.
    case event
    /// Records of a partition.
    case records
    /// An action that the driver performed.
    case action
}

enum RoundEntry: UInt8 {
    /// A round's number, its request and settings.
    case request = 1
    /// An event of a round, and the action that followed.
    case event
    /// A command requested of a region.
    case asked
}

/// Records every event of a node and every performed action. One owner: the node's driver.
package struct NodeRecorder: Sendable {
    private let file: RecordingFile

    package init(_ file: RecordingFile, settings: RegionNodeSettings) {
        self.file = file
        append { entry in
            entry.write(RecordingKind.node.rawValue)
            entry.write(UInt64(NodeEntry.settings.rawValue))
            entry.write(settings)
        }
    }

    package func note(_ event: RegionEvent, at now: UnixTime) {
        append { entry in
            entry.write(UInt64(NodeEntry.event.rawValue))
            entry.write(now)
            entry.write(event)
        }
    }

    package func note(
        _ records: UnsafeBufferPointer<LogRecord>, of partition: Int32, areProducerStamped: Bool
    ) {
        append { entry in
            entry.write(UInt64(NodeEntry.records.rawValue))
            entry.write(partition)
            entry.write(areProducerStamped)
            entry.write(records.count)
            for record in records {
                entry.write(record.offset)
                entry.write(record.timestamp)
                entry.write(record.value) { $0.write($1) }
            }
        }
    }

    /// Records an action after it was performed. Actions come in the order in which the node issued
    /// them, each after the events that caused it.
    package func note(_ action: RegionAction) {
        append { entry in
            entry.write(UInt64(NodeEntry.action.rawValue))
            entry.write(action)
        }
        if case .end = action { file.flush() }
    }

    private func append(_ body: (inout FieldWriter) -> Void) {
        var entry = FieldWriter()
        body(&entry)
        file.append(entry)
    }
}

/// Records every event and action of an HQ's commit rounds. Calls come in the order in which the
/// rounds' memory changes.
package struct RoundRecorder: Sendable {
    private let file: RecordingFile

    package init(_ file: RecordingFile) {
        self.file = file
        append { $0.write(RecordingKind.rounds.rawValue) }
    }

    package func note(
        round: Int, _ request: DeltaRequest, _ settings: CommitRound.Settings, at now: UnixTime
    ) {
        append { entry in
            entry.write(UInt64(RoundEntry.request.rawValue))
            entry.write(round)
            entry.write(now)
            entry.write(DeltaCodec.encode(request))
            entry.write(settings)
        }
    }

    package func note(
        round: Int, _ event: CommitRound.Event, at now: UnixTime, _ action: CommitRound.Action
    ) {
        append { entry in
            entry.write(UInt64(RoundEntry.event.rawValue))
            entry.write(round)
            entry.write(now)
            entry.write(event)
            entry.write(action)
        }
    }

    package func note(asked command: NodeCommand, of region: RegionID) {
        let carrier = DeltaReply(
            shards: [], serverTime: UnixTime(milliseconds: 0), commands: [command])
        append { entry in
            entry.write(UInt64(RoundEntry.asked.rawValue))
            entry.write(region)
            entry.write(DeltaCodec.encode(carrier))
        }
    }

    package func flush() { file.flush() }

    private func append(_ body: (inout FieldWriter) -> Void) {
        var entry = FieldWriter()
        body(&entry)
        file.append(entry)
    }
}
