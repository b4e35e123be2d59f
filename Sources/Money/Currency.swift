/// A currency of the built-in ISO 4217 table, current or historic: a dense index into it.
///
/// The index is stable only within one build: messages and stores carry the three-letter code.
public struct Currency: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 0 to `count` − 1, in the order of the codes.
    public let index: UInt16

    @inlinable
    package init(uncheckedIndex index: UInt16) { self.index = index }

    @inlinable
    public static func < (a: Currency, b: Currency) -> Bool { a.index < b.index }
}

extension Currency {
    /// How many currencies the table lists.
    package static let count = ISO4217.table.count

    /// All currencies, in the order of their codes.
    package static var all: [Currency] { (0..<UInt16(count)).map(Currency.init(uncheckedIndex:)) }

    /// The three upper-case letters of ISO 4217.
    package var code: String { String(decoding: letters, as: UTF8.self) }

    public var description: String { code }

    /// The code's three ASCII letters.
    package var letters: [UInt8] {
        let packed = packedCode
        return [
            UInt8(truncatingIfNeeded: packed >> 16), UInt8(truncatingIfNeeded: packed >> 8),
            UInt8(truncatingIfNeeded: packed),
        ]
    }

    /// The code's ASCII letters in the low 24 bits, the first one highest. Sorts like the codes.
    package var packedCode: UInt32 { ISO4217.table[Int(index)].packedCode }

    /// The number of decimal digits of its minor unit: 0 to 4.
    package var exponent: Int { Int(ISO4217.table[Int(index)].exponent) }

    /// The currency with this upper-case code; nil if the table has none.
    package init?(code: String) {
        let bytes = Array(code.utf8)
        guard bytes.count == 3,
            let slot = Self.slot(bytes[0], bytes[1], bytes[2])
        else { return nil }
        let index = Self.indexBySlot[slot]
        guard index != Self.none else { return nil }
        self.init(uncheckedIndex: index)
    }

    /// The value in `indexBySlot` for codes that are not currencies.
    @inlinable
    package static var none: UInt16 { .max }

    /// Table index by `slot`, for readers of many codes; `none` if there is no such currency.
    package static let indexBySlot: [UInt16] = {
        var table = [UInt16](repeating: none, count: 26 * 26 * 26)
        for (index, entry) in ISO4217.table.enumerated() {
            let packed = entry.packedCode
            if let slot = slot(
                UInt8(truncatingIfNeeded: packed >> 16), UInt8(truncatingIfNeeded: packed >> 8),
                UInt8(truncatingIfNeeded: packed))
            {
                table[slot] = UInt16(index)
            }
        }
        return table
    }()

    /// The index of three upper-case letters in `indexBySlot`; nil for anything else.
    @inlinable @inline(__always)
    package static func slot(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> Int? {
        let x = a &- 0x41
        let y = b &- 0x41
        let z = c &- 0x41
        guard x < 26, y < 26, z < 26 else { return nil }
        return (Int(x) * 26 + Int(y)) * 26 + Int(z)
    }
}
