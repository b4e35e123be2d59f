import DeltaProtocol
import Money

/// The part of MessagePack that script arguments need: arrays, strings and `false`, which Lua reads
/// as an absent value. Numbers are encoded as decimal strings, because Lua's are doubles.
struct MessagePack: ~Copyable {
    private(set) var bytes = ByteWriter(capacity: 1_024)

    var count: Int { bytes.count }

    mutating func removeAll() { bytes.removeAll() }

    mutating func array(count: Int) {
        if count < 16 {
            bytes.append(0x90 | UInt8(truncatingIfNeeded: count))
        } else if count <= 0xFFFF {
            bytes.append(0xDC)
            bytes.append(UInt8(truncatingIfNeeded: count >> 8))
            bytes.append(UInt8(truncatingIfNeeded: count))
        } else {
            precondition(count <= UInt32.max, "cannot pack an array of \(count) elements")
            bytes.append(0xDD)
            for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        }
    }

    mutating func string(_ text: String) {
        header(length: text.utf8.count)
        bytes.append(text)
    }

    /// The string, or `false` for nil.
    mutating func string(_ text: String?) {
        if let text { string(text) } else { bytes.append(0xC2) }
    }

    mutating func strings(_ texts: [String]) {
        array(count: texts.count)
        for text in texts { string(text) }
    }

    mutating func decimal(_ number: Int64) {
        let at = beginShort()
        bytes.append(decimal: number)
        endShort(at)
    }

    /// A key of two parts: `prefix` and a number.
    mutating func key(_ prefix: String, _ number: Int32) {
        let at = beginShort()
        bytes.append(prefix)
        bytes.append(decimal: Int64(number))
        endShort(at)
    }

    /// The three letters of a currency, from their packed form.
    @inline(__always)
    mutating func letters(_ packed: UInt32) {
        bytes.append(0xA3)
        bytes.append(UInt8(truncatingIfNeeded: packed >> 16))
        bytes.append(UInt8(truncatingIfNeeded: packed >> 8))
        bytes.append(UInt8(truncatingIfNeeded: packed))
    }

    /// `settled:transfers:correction`, the value of a bucket's field.
    mutating func value(_ value: BucketValue) {
        let at = beginShort()
        bytes.append(decimal: value.settled)
        bytes.append(0x3A)
        bytes.append(decimal: value.transfers)
        bytes.append(0x3A)
        bytes.append(decimal: value.correction)
        endShort(at)
    }

    /// Begins a string of at most 255 bytes whose length is not known yet.
    @inline(__always)
    private mutating func beginShort() -> Int {
        bytes.append(0xD9)
        bytes.append(0)
        return bytes.count
    }

    @inline(__always)
    private mutating func endShort(_ start: Int) {
        let length = bytes.count - start
        precondition(length <= 255, "a short string grew to \(length) bytes")
        bytes.set(UInt8(truncatingIfNeeded: length), at: start - 1)
    }

    private mutating func header(length: Int) {
        if length < 32 {
            bytes.append(0xA0 | UInt8(truncatingIfNeeded: length))
        } else if length <= 0xFFFF {
            bytes.append(0xDA)
            bytes.append(UInt8(truncatingIfNeeded: length >> 8))
            bytes.append(UInt8(truncatingIfNeeded: length))
        } else {
            // None of our names or texts is so long, but a foreign text may be, and it is compared.
            precondition(length <= UInt32.max, "cannot pack a string of \(length) bytes")
            bytes.append(0xDB)
            for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
        }
    }
}
