internal import CZlib

/// Compresses whole bodies. The same body gives the same bytes, because they contain no time.
package enum Gzip {
    /// Smaller bodies do not shrink enough to justify a second form.
    package static let bodyBytesMin = 256
    /// The first bytes of every gzip file (RFC 1952).
    package static let magic: [UInt8] = [0x1F, 0x8B]

    /// zlib's windowBits for the largest window, plus 16 for gzip's header and trailer.
    static let windowBits: Int32 = 15 + 16
    /// zlib's default.
    private static let memoryLevel: Int32 = 8
    /// Bodies are compressed once and sent often.
    private static let level: Int32 = 6

    /// Nil if the result would not be smaller or zlib cannot allocate memory.
    package static func compress(_ body: [UInt8]) -> [UInt8]? {
        guard body.count >= bodyBytesMin, let size = UInt32(exactly: body.count) else { return nil }
        var stream = z_stream()
        let begun = deflateInit2_(
            &stream, level, Z_DEFLATED, windowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard begun == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = body
        let compressed = [UInt8](unsafeUninitializedCapacity: body.count) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = size
                stream.next_out = output.baseAddress
                stream.avail_out = size
                // If the output has no room left, the result would be larger than the body.
                count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
        return compressed.isEmpty ? nil : compressed
    }
}
