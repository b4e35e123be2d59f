/// Compression formats that are recognised but not supported, so that the error names the format
/// instead of counting rejected lines.
struct OtherCompression: Sendable {
    let name: String
    /// The command that decompresses to standard output.
    let tool: String
    /// Its first bytes; nil matches any byte.
    private let magic: [UInt8?]

    /// The number of first bytes needed to recognise every format.
    static let magicBytesMax = 6

    private static let all = [
        OtherCompression(
            name: "xz", tool: "xz -dc", magic: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
        OtherCompression(
            name: "bzip2", tool: "bzip2 -dc", magic: [0x42, 0x5A, 0x68, nil, 0x31, 0x41]),
        OtherCompression(name: "lz4", tool: "lz4 -dc", magic: [0x04, 0x22, 0x4D, 0x18]),
        OtherCompression(name: "zip", tool: "unzip -p", magic: [0x50, 0x4B, 0x03, 0x04]),
    ]

    /// - Parameter first: the first bytes of an input.
    /// - Returns: nil if they belong to none of these formats.
    static func recognise(_ first: [UInt8]) -> OtherCompression? {
        all.first { format in
            first.count >= format.magic.count
                && zip(format.magic, first).allSatisfy { $0 == nil || $0 == $1 }
        }
    }
}
