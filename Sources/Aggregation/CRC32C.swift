/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), computed with a table. A node needs it once per
/// push, not once per record.
package enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in
            crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1
        }
    }

    package static func checksum(of bytes: [UInt8]) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe checksum($0) }
    }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc: UInt32 = .max
        for index in bytes.indices {
            crc = table[Int((crc ^ UInt32(unsafe bytes[index])) & 0xFF)] ^ crc >> 8
        }
        return ~crc
    }
}
