import CivilTime
import Identifiers
import Money

/// The bytes were not written by `FieldWriter`.
struct NotARecording: Error {}

/// Reads the output of `FieldWriter`; any other bytes throw, none trap.
struct FieldReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    mutating func byte() throws -> UInt8 {
        guard position < bytes.endIndex else { throw NotARecording() }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func unsigned() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let next = try byte()
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
        }
        throw NotARecording()
    }

    mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws
        -> Number
    {
        let word = try unsigned()
        let value = Int64(bitPattern: word >> 1) ^ -Int64(bitPattern: word & 1)
        guard let number = Number(exactly: value) else { throw NotARecording() }
        return number
    }

    mutating func flag() throws -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw NotARecording()
        }
    }

    mutating func count() throws -> Int {
        let count: Int = try integer()
        // Every element takes at least one byte.
        guard (0...bytes.endIndex - position).contains(count) else { throw NotARecording() }
        return count
    }

    mutating func content() throws -> ArraySlice<UInt8> {
        let count = try count()
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func text() throws -> String {
        guard let text = String(validating: try content(), as: UTF8.self) else {
            throw NotARecording()
        }
        return text
    }

    mutating func time() throws -> UnixTime { UnixTime(milliseconds: try integer()) }
    mutating func minute() throws -> Minute { Minute(try integer()) }

    mutating func currency() throws -> Currency {
        guard let currency = Currency(code: try text()) else { throw NotARecording() }
        return currency
    }

    mutating func id<ID: Identifier>(_ type: ID.Type = ID.self) throws -> ID {
        guard let id = ID(try text()) else { throw NotARecording() }
        return id
    }

    mutating func optional<Value>(_ body: (inout FieldReader) throws -> Value) throws -> Value? {
        try flag() ? try body(&self) : nil
    }

    mutating func list<Value>(_ body: (inout FieldReader) throws -> Value) throws -> [Value] {
        var values: [Value] = []
        for _ in 0..<(try count()) { values.append(try body(&self)) }
        return values
    }
}
