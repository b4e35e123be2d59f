internal import Aggregation
internal import CivilTime
internal import Money

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Decodes a block of lines to entries, in order, and counts the lines that are not transfers.
/// One owner, any thread.
struct BlockDecoder: ~Copyable {
    private(set) var entries: [RollupEntry] = []
    /// Of the present block; applied and duplicate are counted later.
    private(set) var counters = RollupCounters()
    private var decoder: RecordDecoder

    init(key: IDKey, settledWords: [String]) {
        precondition(Currency.count <= 1 << BucketKey.currencyBits, "a currency outgrew its bits")
        decoder = RecordDecoder(key: key, settledWords: settledWords)
        entries.reserveCapacity(LineBlock.capacity / Self.transferBytesMin + 1)
    }

    mutating func decode(_ block: LineBlock) {
        entries.removeAll(keepingCapacity: true)
        counters = RollupCounters()
        counters.consumed = block.oversizeLines
        counters.reject(.size, count: block.oversizeLines)
        guard let base = UnsafeRawPointer(block.buffer.baseAddress) else { return }
        var transfer = DecodedTransfer(
            id: IDHash(low: 0, high: 0), amount: 0, settledAt: UnixTime(milliseconds: 0),
            currency: Currency(uncheckedIndex: 0))
        var at = 0
        while at < block.count {
            let start = base + at
            let rest = block.count - at
            let length = memchr(start, 0x0A, rest).map { UnsafeRawPointer($0) - start } ?? rest
            at += length + 1
            let line = LineShape.content(
                of: UnsafeRawBufferPointer(start: start, count: length))
            if LineShape.isBlank(line) { continue }
            counters.consumed &+= 1
            if block.isNoLines {
                counters.reject(.json)
            } else {
                decode(line: line, &transfer)
            }
        }
    }

    @inline(__always)
    private mutating func decode(
        line: UnsafeRawBufferPointer, _ transfer: inout DecodedTransfer
    ) {
        switch decoder.decode(line, into: &transfer) {
        case .transfer: entries.append(RollupEntry(transfer))
        case .rejected(let reason): counters.reject(reason)
        case .correction, .marker, .ignored: counters.control += 1
        }
    }

    /// The shortest line that can be a transfer: its keys and the shortest value of each.
    private static let transferBytesMin = 99
}
