internal import CZstd

/// Decompresses a Zstandard stream piece by piece: frames one after another, as `cat` joins them,
/// each checked against its checksum if it has one. Needs up to `windowBytesMax` and a little more
/// of memory. One owner, any thread.
package struct ZstdReader: ~Copyable, Sendable {
    /// The result of a `read`.
    package enum Step: Equatable {
        /// So many bytes were written; more may follow.
        case bytes(Int)
        /// All that was given is used up: `give` more, or none.
        case needsInput
        /// The stream ended where a frame did.
        case end
    }

    package enum Failure: Error {
        /// Not Zstandard, or bytes that its checks contradict.
        case corrupt
        /// The stream ended within a frame.
        case truncated
        /// A frame refers back further than `windowBytesMax`.
        case windowTooLarge
        /// A frame was made with a dictionary, which is not at hand.
        case needsDictionary
        case outOfMemory
    }

    /// The limit of the `zstd` command, which writes larger windows only with `--ultra` and
    /// `--long`.
    package static let windowBytesMax = 1 << windowLogMax
    private static let windowLogMax: Int32 = 27

    /// The most bytes that one `give` takes.
    package static let inputBytes = 128 << 10

    /// Whether a stream begins like this: with a frame, or with one to skip, as parallel
    /// compressors write it (RFC 8878, sections 3.1.1 and 3.1.2).
    package static func recognises(_ first: [UInt8]) -> Bool {
        guard first.count >= 4 else { return false }
        return first.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
            || (first[0] & 0xF0 == 0x50 && first[1...].starts(with: [0x2A, 0x4D, 0x18]))
    }

    /// Nil where there was no memory for it. Both pointers have this reader as their only owner;
    /// a context may be used by any thread, one at a time.
    private nonisolated(unsafe) let context: OpaquePointer?
    private nonisolated(unsafe) let input: UnsafeMutableRawBufferPointer
    /// What is to be read of `input`.
    private var unread = 0..<0
    private var isBetweenFrames = true
    private var hasEnded = false
    /// Whether the last read filled its buffer, so that zstd may hold more without further input.
    private var mayHoldMore = false

    package init() throws(Failure) {
        context = ZSTD_createDCtx()
        input = .allocate(byteCount: Self.inputBytes, alignment: 1)
        guard
            context != nil,
            ZSTD_isError(
                ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)) == 0
        else { throw .outOfMemory }
    }

    deinit {
        ZSTD_freeDCtx(context)
        input.deallocate()
    }

    /// Takes the next bytes of the stream, at most `inputBytes`; none end it. Call where `read`
    /// needs input.
    package mutating func give(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= Self.inputBytes, "more bytes than a reader takes at once")
        input.copyMemory(from: bytes)
        unread = 0..<bytes.count
        if bytes.isEmpty { hasEnded = true }
    }

    /// Writes what comes next to `output`, which must not be empty.
    package mutating func read(into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Step {
        while true {
            if unread.isEmpty, !mayHoldMore {
                guard hasEnded else { return .needsInput }
                guard isBetweenFrames else { throw .truncated }
                return .end
            }
            var source = ZSTD_inBuffer(
                src: input.baseAddress, size: unread.upperBound, pos: unread.lowerBound)
            var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            let result = ZSTD_decompressStream(context, &target, &source)
            guard ZSTD_isError(result) == 0 else { throw Self.failure(result) }
            unread = source.pos..<unread.upperBound
            // 0 says that a frame is decoded and all of it written.
            isBetweenFrames = result == 0
            mayHoldMore = !isBetweenFrames && target.pos == target.size
            if target.pos > 0 { return .bytes(target.pos) }
        }
    }

    private static func failure(_ result: Int) -> Failure {
        switch ZSTD_getErrorCode(result) {
        case ZSTD_error_memory_allocation: .outOfMemory
        case ZSTD_error_frameParameter_windowTooLarge: .windowTooLarge
        case ZSTD_error_dictionary_wrong: .needsDictionary
        default: .corrupt
        }
    }
}
