/// A 64-bit hash of everything so far: two runs of a seed that differ anywhere end with different
/// values.
package struct RollingHash: Hashable, Sendable {
    package private(set) var value: UInt64 = 0x6A09_E667_F3BC_C908

    package init() {}

    package mutating func add(_ word: UInt64) {
        var z = value ^ word
        z = (z ^ (z >> 32)) &* 0xD6E8_FEB8_6659_FD93
        z = (z ^ (z >> 32)) &* 0xD6E8_FEB8_6659_FD93
        value = (z ^ (z >> 32)) &+ 0x9E37_79B9_7F4A_7C15
    }

    mutating func add(_ word: Int64) { add(UInt64(bitPattern: word)) }
    mutating func add(_ word: Int) { add(UInt64(bitPattern: Int64(word))) }

    mutating func add(_ text: String) {
        for byte in text.utf8 { add(UInt64(byte)) }
        add(UInt64(0x100))
    }
}
