/// Converts UTF-16 to UTF-8, piece by piece. An unpaired surrogate becomes a byte that is invalid
/// in UTF-8, so that its line is rejected. One owner, any thread.
struct UTF16Text: Sendable {
    private let isBigEndian: Bool
    /// The first byte of a unit whose second byte is still missing.
    private var half: UInt8?
    /// A high surrogate whose low surrogate is still missing.
    private var high: UInt16?

    /// The byte-order mark, its low byte first.
    static let littleEndianMark: [UInt8] = [0xFF, 0xFE]
    static let bigEndianMark: [UInt8] = [0xFE, 0xFF]
    private static let invalid: UInt8 = 0xFF

    /// Nil if `opening` is not a byte-order mark of UTF-16.
    init?(mark opening: [UInt8]) {
        guard opening == Self.littleEndianMark || opening == Self.bigEndianMark else { return nil }
        isBigEndian = opening == Self.bigEndianMark
    }

    /// True if the text may end at this point.
    var isBetweenCharacters: Bool { half == nil && high == nil }

    /// The largest input that `convert` accepts for an output of `room` bytes.
    static func inputBytesMax(room: Int) -> Int { (room - 4) / 2 }

    /// Converts `input` into `output`, and returns the number of bytes written.
    mutating func convert(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        precondition(input.count <= Self.inputBytesMax(room: output.count), "the output is full")
        var count = 0
        func put(_ byte: UInt32) {
            output[count] = UInt8(truncatingIfNeeded: byte)
            count += 1
        }
        for byte in input {
            guard let first = half else {
                half = byte
                continue
            }
            half = nil
            let unit = UInt16(isBigEndian ? first : byte) << 8 | UInt16(isBigEndian ? byte : first)
            if let high {
                self.high = nil
                if UTF16.isTrailSurrogate(unit) {
                    let scalar = 0x1_0000 + (UInt32(high & 0x3FF) << 10 | UInt32(unit & 0x3FF))
                    put(0xF0 | scalar >> 18)
                    put(0x80 | scalar >> 12 & 0x3F)
                    put(0x80 | scalar >> 6 & 0x3F)
                    put(0x80 | scalar & 0x3F)
                    continue
                }
                put(UInt32(Self.invalid))
            }
            let scalar = UInt32(unit)
            switch unit {
            case 0..<0x80:
                put(scalar)
            case 0x80..<0x800:
                put(0xC0 | scalar >> 6)
                put(0x80 | scalar & 0x3F)
            case 0xD800..<0xDC00:
                high = unit
            case 0xDC00..<0xE000:
                put(UInt32(Self.invalid))
            default:
                put(0xE0 | scalar >> 12)
                put(0x80 | scalar >> 6 & 0x3F)
                put(0x80 | scalar & 0x3F)
            }
        }
        return count
    }
}
