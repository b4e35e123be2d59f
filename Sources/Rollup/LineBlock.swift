/// A buffer of whole lines, and the number of lines that were too long for it. One owner.
final class LineBlock {
    /// The longest line that is passed on, in bytes: a record of the maximum size, a preceding
    /// byte-order mark and a carriage return.
    static let lineBytesMax = 65_540
    /// The size of one read: large enough that turns are rare, small enough for the second-level
    /// cache, including the entries.
    static let readBytes = 512 << 10
    static let capacity = lineBytesMax + readBytes

    let buffer: UnsafeMutableRawBufferPointer
    /// Bytes in use: lines separated by newlines; the last one may lack it.
    var count = 0
    /// Its position in the order of all blocks.
    var number = 0
    /// Lines dropped while reading the block because they exceed `lineBytesMax`.
    var oversizeLines: Int64 = 0
    /// Bytes of the inputs read for it, in their stored form.
    var bytesRead = 0
    /// True if the input's first line shows that its lines are not records: none of them counts.
    var isNoLines = false

    init() {
        buffer = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit { buffer.deallocate() }
}
