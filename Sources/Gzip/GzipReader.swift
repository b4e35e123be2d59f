internal import CZlib

/// Decompresses a gzip stream piece by piece: members one after another, as `cat` joins them, each
/// checked against its length and CRC. One owner, any thread.
package struct GzipReader: ~Copyable, Sendable {
    /// The result of a `read`.
    package enum Step: Equatable {
        /// So many bytes were written; more may follow.
        case bytes(Int)
        /// All that was given is used up: `give` more, or `end`.
        case needsInput
        /// The stream ended where a member did.
        case end
    }

    package enum Failure: Error {
        /// Not gzip, or bytes that its checks contradict.
        case corrupt
        /// The stream ended within a member.
        case truncated
        case outOfMemory
    }

    /// zlib refers to the structure by its address, so that it must not move. Both pointers have
    /// this reader as their only owner.
    private nonisolated(unsafe) let stream: UnsafeMutablePointer<z_stream>
    private nonisolated(unsafe) let input: UnsafeMutableBufferPointer<UInt8>
    private var isBetweenMembers = false
    private var hasEnded = false
    /// Whether the last read filled its buffer, so that zlib may hold more without further input.
    private var mayHoldMore = false

    /// The most bytes that one `give` takes.
    package static let inputBytes = 128 << 10

    package init() throws(Failure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        input = .allocate(capacity: Self.inputBytes)
        let begun = inflateInit2_(
            stream, Gzip.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard begun == Z_OK else { throw .outOfMemory }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    /// Takes the next bytes of the stream, at most `inputBytes`; none end it. Call where `read`
    /// needs input.
    package mutating func give(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= Self.inputBytes, "more bytes than a reader takes at once")
        UnsafeMutableRawBufferPointer(input).copyMemory(from: bytes)
        stream.pointee.next_in = input.baseAddress
        stream.pointee.avail_in = UInt32(bytes.count)
        if bytes.isEmpty { hasEnded = true }
    }

    /// Writes what comes next to `output`, which must not be empty.
    package mutating func read(into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Step {
        while true {
            if isBetweenMembers {
                skipPadding()
                guard stream.pointee.avail_in > 0 else { return hasEnded ? .end : .needsInput }
                guard inflateReset(stream) == Z_OK else { throw .corrupt }
                isBetweenMembers = false
            }
            if stream.pointee.avail_in == 0, !mayHoldMore {
                guard hasEnded else { return .needsInput }
                throw .truncated
            }
            let room = UInt32(clamping: output.count)
            stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = room
            let status = inflate(stream, Z_NO_FLUSH)
            let count = Int(room - stream.pointee.avail_out)
            mayHoldMore = stream.pointee.avail_out == 0
            switch status {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: (isBetweenMembers, mayHoldMore) = (true, false)
            case Z_MEM_ERROR: throw .outOfMemory
            default: throw .corrupt
            }
            if count > 0 { return .bytes(count) }
        }
    }

    /// Zeros behind a member fill up a tape's block.
    private func skipPadding() {
        while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
            stream.pointee.next_in += 1
            stream.pointee.avail_in -= 1
        }
    }
}
