import Glibc
import Synchronization

/// Why recording or replay is impossible. Safe to print.
package struct RecordingError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A new file to which entries are appended, each after its length.
///
/// Only its owner can read it, because it contains transfers. A process that is killed loses up to
/// `gatheredBytesMax` of the newest entries; every earlier entry is whole. A full disk ends the
/// recording, not the process.
package final class RecordingFile: Sendable {
    /// Entries are buffered up to this many bytes before they are written.
    private static let gatheredBytesMax = 64 << 10

    private struct State {
        var gathered: [UInt8] = []
        /// Negative once the file is closed or a write failed.
        var descriptor: Int32
    }

    private let state: Mutex<State>

    /// - Throws: If the file already exists or cannot be created.
    package init(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw RecordingError("\(path): \(reason); expected a file that does not exist yet")
        }
        state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        state.withLock { state in
            Self.flush(&state)
            if state.descriptor >= 0 { close(state.descriptor) }
        }
    }

    func append(_ entry: borrowing FieldWriter) {
        var length = FieldWriter()
        length.write(entry.bytes.count)
        state.withLock { state in
            state.gathered += length.bytes
            state.gathered += entry.bytes
            if state.gathered.count >= Self.gatheredBytesMax { Self.flush(&state) }
        }
    }

    /// Writes all buffered entries to the operating system.
    package func flush() { state.withLock { Self.flush(&$0) } }

    private static func flush(_ state: inout State) {
        guard state.descriptor >= 0 else { return state.gathered.removeAll() }
        var start = 0
        while start < state.gathered.count {
            let written = state.gathered.withUnsafeBytes {
                write(state.descriptor, $0.baseAddress! + start, $0.count - start)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                close(state.descriptor)
                state.descriptor = -1
                break
            }
            start += written
        }
        state.gathered.removeAll(keepingCapacity: true)
    }
}
