import CivilTime
import Identifiers
import Money

/// Encodes numbers and texts: variable-length integers as in Protocol Buffers, texts and lists
/// prefixed with their length. Equal values give equal bytes.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func write(_ number: Int64) {
        write(UInt64(bitPattern: number << 1 ^ number >> 63))
    }

    mutating func write(_ number: Int) { write(Int64(number)) }
    mutating func write(_ number: Int32) { write(Int64(number)) }
    mutating func write(_ flag: Bool) { bytes.append(flag ? 1 : 0) }
    mutating func write(_ time: UnixTime) { write(time.milliseconds) }
    mutating func write(_ minute: Minute) { write(minute.number) }
    mutating func write(_ currency: Currency) { write(currency.code) }
    mutating func write(_ id: some Identifier) { write(id.name) }

    mutating func write(_ text: String) {
        write(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func write(_ content: [UInt8]) {
        write(content.count)
        bytes.append(contentsOf: content)
    }

    mutating func write(_ content: UnsafeRawBufferPointer) {
        write(content.count)
        bytes.append(contentsOf: content)
    }

    mutating func write<Value>(
        _ value: Value?, _ body: (inout FieldWriter, Value) -> Void
    ) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    mutating func write<Elements: Collection>(
        each elements: Elements, _ body: (inout FieldWriter, Elements.Element) -> Void
    ) {
        write(elements.count)
        for element in elements { body(&self, element) }
    }

    /// Writes a kind, a length, and the output of `body`: readable without knowing the kind.
    mutating func write(kind: UInt8, _ body: (inout FieldWriter) -> Void) {
        var inner = FieldWriter()
        body(&inner)
        bytes.append(kind)
        write(inner.bytes)
    }
}
