internal import CZlib

/// Decompresses a gzip stream piece by piece. The stream may have several members, as `cat` joins
/// them; each is checked against its length and CRC. One owner, any thread.
package struct GzipReader: ~Copyable, Sendable {
    /// The result of a `read`.
    package enum Step: Equatable {
        /// This many bytes were written; more may follow.
        case bytes(Int)
        /// All input is used: `give` more or an empty buffer.
        case needsInput
        /// The stream ended at the end of a member.
        case end
    }

    package enum Failure: Error {
        /// Not gzip, or a failed check.
        case corrupt
        /// The stream ended within a member.
        case truncated
        case outOfMemory
    }

    /// zlib refers to the structure by its address, so it must not move. This reader is the only
    /// owner of both pointers.
    private nonisolated(unsafe) let stream: UnsafeMutablePointer<z_stream>
    private nonisolated(unsafe) let input: UnsafeMutableBufferPointer<UInt8>
    private var isBetweenMembers = false
    private var hasEnded = false
    /// Whether the last read filled its buffer, so that zlib may hold more without further input.
    private var mayHoldMore = false

    /// The most bytes for one `give`.
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

    /// Takes the next bytes of the stream, at most `inputBytes`; an empty buffer ends it. Call it
    /// when `read` needs input.
    package mutating func give(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= Self.inputBytes, "give takes at most inputBytes")
        UnsafeMutableRawBufferPointer(input).copyMemory(from: bytes)
        stream.pointee.next_in = input.baseAddress
        stream.pointee.avail_in = UInt32(bytes.count)
        if bytes.isEmpty { hasEnded = true }
    }

    /// Writes the next decompressed bytes to `output`, which must not be empty.
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

    /// Skips zeros after a member, which fill up a tape's block.
    private func skipPadding() {
        while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
            stream.pointee.next_in += 1
            stream.pointee.avail_in -= 1
        }
    }
}
