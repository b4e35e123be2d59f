/// A buffer of whole lines, and what became of lines too long for it. One owner.
final class LineBlock {
    /// Bytes of the longest line that is passed on: a record at its limit, a mark before it and a
    /// carriage return.
    static let lineBytesMax = 65_540
    /// What one read asks for: enough that turns are rare, little enough for the second-level
    /// cache, entries included.
    static let readBytes = 512 << 10
    static let capacity = lineBytesMax + readBytes

    let buffer: UnsafeMutableRawBufferPointer
    /// Bytes in use: lines with a newline between each two; the last one may lack it.
    var count = 0
    /// Its place in the order of all blocks.
    var number = 0
    /// Lines dropped while it was read because they are longer than `lineBytesMax`.
    var oversizeLines: Int64 = 0
    /// Bytes of the inputs read for it, as they are stored.
    var bytesRead = 0
    /// Whether the input's first line shows that its lines are no records: none of them counts.
    var isNoLines = false

    init() {
        buffer = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit { buffer.deallocate() }
}
