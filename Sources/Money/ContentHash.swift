/// Identifies a text by its content.
package enum ContentHash {
    /// The 64-bit FNV-1a hash of the text in 16 hexadecimal digits. It does not protect against
    /// forgery.
    package static func of(_ text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
