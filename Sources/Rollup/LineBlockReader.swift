internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Cuts the inputs, one after another, into blocks of whole lines. Any thread may ask for the
/// next block; the lock is held while it is read, because each begins where the last one ended.
/// Only threads of this fold wait for it, and without that block they have nothing to do.
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
}

extension LineBlockReader {
    private struct State: ~Copyable {
        private let inputs: [RollupInput]
        private var inputIndex = 0
        /// The open input, or −1.
        private var descriptor: Int32 = -1
        /// The beginning of a line whose end is still to be read.
        private var carry: [UInt8] = []
        /// Whether the end of a line is still to be read that is too long to be kept.
        private var skipsToNewline = false
        private var nextNumber = 0
        private var hasFailed = false

        init(inputs: [RollupInput]) {
            self.inputs = inputs
            carry.reserveCapacity(LineBlock.lineBytesMax)
        }

        deinit { if descriptor > 0 { close(descriptor) } }

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

        /// One read of the present input, or the step to the next one.
        private mutating func fill(_ block: LineBlock) throws(RollupError) {
            let input = inputs[inputIndex]
            if descriptor < 0 { descriptor = try Self.open(input) }
            let base = block.buffer.baseAddress!
            carry.withUnsafeBytes { block.buffer.copyMemory(from: $0) }
            let kept = carry.count
            carry.removeAll(keepingCapacity: true)
            let got = try Self.read(
                descriptor, into: base + kept, count: LineBlock.readBytes, of: input)
            block.bytesRead += got
            if got == 0 {
                // An input's last line needs no newline, and does not join the next input's first.
                block.count = kept
                skipsToNewline = false
                if descriptor > 0 { close(descriptor) }
                descriptor = -1
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
        }

        /// Leaves the whole lines among the first `count` bytes in the block.
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

        private static func open(_ input: RollupInput) throws(RollupError) -> Int32 {
            guard case .file(let path) = input else { return STDIN_FILENO }
            #if canImport(Glibc)
                let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
            #else
                let descriptor = Darwin.open(path, O_RDONLY | O_CLOEXEC)
            #endif
            guard descriptor >= 0 else { throw RollupError(input: input, errorNumber: errno) }
            return descriptor
        }

        private static func read(
            _ descriptor: Int32, into bytes: UnsafeMutableRawPointer, count: Int,
            of input: RollupInput
        ) throws(RollupError) -> Int {
            while true {
                #if canImport(Glibc)
                    let got = Glibc.read(descriptor, bytes, count)
                #else
                    let got = Darwin.read(descriptor, bytes, count)
                #endif
                if got >= 0 { return got }
                guard errno == EINTR else {
                    throw RollupError(input: input, errorNumber: errno)
                }
            }
        }
    }
}
