internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Splits the inputs, one after another, into blocks of whole lines. Any thread may request the
/// next block. The lock is held during the read, because each block begins where the last one
/// ended. Only threads of this fold wait for it, and they have nothing else to do.
final class LineBlockReader: Sendable {
    private let state: Mutex<State>

    init(inputs: [RollupInput]) {
        state = Mutex(State(inputs: inputs))
    }

    /// Fills `block` with the next lines; false at the end of the last input.
    func read(into block: LineBlock) throws(RollupError) -> Bool {
        let outcome: Result<Bool, RollupError> = state.withLock { state in
            Result { () throws(RollupError) in try state.read(into: block) }
        }
        return try outcome.get()
    }

    /// Inputs whose first line shows that their lines are not records.
    var refused: [RollupInput] { state.withLock { $0.refused } }
}

extension LineBlockReader {
    private struct State: ~Copyable {
        private let inputs: [RollupInput]
        private var inputIndex = 0
        private var bytes: InputBytes?
        /// True if the first line of the present input was checked; and true if it was not a
        /// record.
        private var isJudged = false
        private var isNoLines = false
        private(set) var refused: [RollupInput] = []
        /// The beginning of a line whose end has not been read yet.
        private var carry: [UInt8] = []
        /// True if the rest of a line that is too long must still be skipped.
        private var skipsToNewline = false
        private var nextNumber = 0
        private var hasFailed = false

        init(inputs: [RollupInput]) {
            self.inputs = inputs
            carry.reserveCapacity(LineBlock.lineBytesMax)
        }

        mutating func read(into block: LineBlock) throws(RollupError) -> Bool {
            guard !hasFailed else { return false }
            block.count = 0
            block.oversizeLines = 0
            block.bytesRead = 0
            while inputIndex < inputs.count {
                do throws(RollupError) {
                    try fill(block)
                } catch {
                    hasFailed = true
                    throw error
                }
                if block.count > 0 || block.oversizeLines > 0 {
                    block.number = nextNumber
                    nextNumber += 1
                    return true
                }
            }
            return false
        }

        /// Reads from the present input once, or steps to the next one.
        private mutating func fill(_ block: LineBlock) throws(RollupError) {
            try open()
            let base = block.buffer.baseAddress!
            carry.withUnsafeBytes { block.buffer.copyMemory(from: $0) }
            let kept = carry.count
            carry.removeAll(keepingCapacity: true)
            let before = bytes?.storedBytes ?? 0
            let got =
                try bytes?.read(
                    into: UnsafeMutableRawBufferPointer(
                        start: base + kept, count: LineBlock.readBytes)) ?? 0
            block.bytesRead += (bytes?.storedBytes ?? 0) - before
            if got == 0 {
                // An input's last line needs no newline, and is not joined with the next input's
                // first.
                block.count = kept
                skipsToNewline = false
                judge(block)
                bytes = nil
                inputIndex += 1
                return
            }
            var begin = 0
            let end = kept + got
            if skipsToNewline {
                guard let newline = memchr(base, 0x0A, end) else { return }
                begin = UnsafeRawPointer(newline) - UnsafeRawPointer(base) + 1
                skipsToNewline = false
                memmove(base, base + begin, end - begin)
            }
            take(lines: end - begin, of: block)
            judge(block)
        }

        /// Opens the present input if necessary.
        private mutating func open() throws(RollupError) {
            guard bytes == nil else { return }
            bytes = try InputBytes(inputs[inputIndex])
            isJudged = false
            isNoLines = false
        }

        /// Checks the first line of an input that is not blank.
        private mutating func judge(_ block: LineBlock) {
            let lines = UnsafeRawBufferPointer(rebasing: block.buffer[..<block.count])
            var rest = lines[...]
            while !isJudged, !rest.isEmpty {
                let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
                let line = LineShape.content(
                    of: UnsafeRawBufferPointer(rebasing: rest[rest.startIndex..<end]))
                rest = rest[end...].dropFirst()
                guard !LineShape.isBlank(line) else { continue }
                isJudged = true
                isNoLines = LineShape.goesOn(line)
                if isNoLines { refused.append(inputs[inputIndex]) }
            }
            if block.oversizeLines > 0 { isJudged = true }
            block.isNoLines = isNoLines
        }

        /// Keeps the whole lines among the first `count` bytes in the block.
        private mutating func take(lines count: Int, of block: LineBlock) {
            let bytes = UnsafeRawBufferPointer(rebasing: block.buffer[..<count])
            block.count = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            let rest = UnsafeRawBufferPointer(rebasing: bytes[block.count...])
            if rest.count > LineBlock.lineBytesMax {
                block.oversizeLines += 1
                skipsToNewline = true
            } else {
                carry.append(contentsOf: rest)
            }
        }
    }
}
