/// Writes Protocol Buffers by hand, so that tests control every byte, wrong ones included.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        repeat {
            bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }

    static func zigZag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    mutating func raw(_ more: [UInt8]) { bytes += more }

    mutating func number(_ field: Int, _ value: Int64) {
        bytes += Self.varint(UInt64(field) << 3) + Self.varint(UInt64(bitPattern: value))
    }

    mutating func fixed64(_ field: Int, _ value: UInt64) {
        bytes += Self.varint(UInt64(field) << 3 | 1)
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    mutating func fixed32(_ field: Int, _ value: UInt32) {
        bytes += Self.varint(UInt64(field) << 3 | 5)
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }

    mutating func content(_ field: Int, _ content: [UInt8]) {
        bytes += Self.varint(UInt64(field) << 3 | 2) + Self.varint(UInt64(content.count)) + content
    }

    mutating func text(_ field: Int, _ text: String) { content(field, Array(text.utf8)) }

    mutating func packed(_ field: Int, _ values: [Int64]) {
        content(field, values.flatMap { Self.varint(UInt64(bitPattern: $0)) })
    }

    mutating func packedZigZag(_ field: Int, _ values: [Int64]) {
        content(field, values.flatMap { Self.varint(Self.zigZag($0)) })
    }

    mutating func message(_ field: Int, _ body: (inout WireWriter) -> Void) {
        var inner = WireWriter()
        body(&inner)
        content(field, inner.bytes)
    }

    /// A valid envelope without shards.
    static func envelope() -> WireWriter {
        var writer = WireWriter()
        writer.number(1, 1)
        writer.message(2) { $0.number(1, 1) }
        writer.text(3, "eu-west")
        return writer
    }
}
