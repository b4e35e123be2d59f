/// The secret key of a topology's id hashes. It is fixed per topology, so that two nodes agree, and
/// it is not in the source, so that an attacker cannot craft two ids with the same hash.
package struct IDKey: Sendable {
    package var low: UInt64
    package var high: UInt64

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Parses 32 hexadecimal digits, the content of a key file; nil for anything else.
    package init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 32 else { return nil }
        var words: [UInt64] = [0, 0]
        for (index, digit) in digits.enumerated() {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x41...0x46: value = digit - 0x41 + 10
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(value)
        }
        self.init(low: words[0], high: words[1])
    }

    /// The key for correction ids, so that they never match transfer ids.
    package var forCorrections: IDKey { IDKey(low: low, high: high ^ 0x636F_7272_6563_7469) }
}

/// The keyed 128-bit hash of a transfer or correction id: SipHash-1-3 with 128-bit output
/// (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF").
public struct IDHash: Hashable, Sendable {
    /// The first 64 bits; they choose the table entry.
    public var low: UInt64
    /// The other 64.
    public var high: UInt64

    @inlinable
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Hashes `bytes` under `key`.
    @inline(__always)
    package init(_ bytes: UnsafeRawBufferPointer, key: IDKey) {
        var state = SipState(key: key)
        let count = bytes.count
        var at = 0
        while at &+ 8 <= count {
            state.absorb(
                UInt64(
                    littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
            at &+= 8
        }
        var last = UInt64(truncatingIfNeeded: count) << 56
        if at < count, count >= 8 {
            // Reads the last eight bytes with one load instead of a loop.
            let tail = UInt64(
                littleEndian: unsafe bytes.loadUnaligned(
                    fromByteOffset: count &- 8, as: UInt64.self))
            last |= tail &>> UInt64(64 &- 8 &* (count &- at))
        } else {
            var shift: UInt64 = 0
            while at < count {
                last |= UInt64(unsafe bytes[at]) << shift
                shift &+= 8
                at &+= 1
            }
        }
        state.absorb(last)
        (low, high) = state.finish()
    }
}

/// The four words of SipHash.
@usableFromInline
struct SipState {
    var a: UInt64
    var b: UInt64
    var c: UInt64
    var d: UInt64

    @inline(__always)
    init(key: IDKey) {
        a = key.low ^ 0x736F_6D65_7073_6575
        b = key.high ^ 0x646F_7261_6E64_6F6D ^ 0xEE
        c = key.low ^ 0x6C79_6765_6E65_7261
        d = key.high ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    mutating func absorb(_ word: UInt64) {
        d ^= word
        round()
        a ^= word
    }

    @inline(__always)
    mutating func finish() -> (UInt64, UInt64) {
        c ^= 0xEE
        round()
        round()
        round()
        let low = a ^ b ^ c ^ d
        b ^= 0xDD
        round()
        round()
        round()
        return (low, a ^ b ^ c ^ d)
    }

    @inline(__always)
    private mutating func round() {
        a = a &+ b
        b = (b &<< 13 | b &>> 51) ^ a
        a = a &<< 32 | a &>> 32
        c = c &+ d
        d = (d &<< 16 | d &>> 48) ^ c
        a = a &+ d
        d = (d &<< 21 | d &>> 43) ^ a
        c = c &+ b
        b = (b &<< 17 | b &>> 47) ^ c
        c = c &<< 32 | c &>> 32
    }
}
