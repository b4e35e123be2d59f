import Hashing

/// The bytes of publication checkpoints: a header, then frames, the first one whole and each later
/// one of changes.
///
/// The header is the line `tributary hq VERSION`. A frame is its kind (one byte), the length of its
/// payload (four bytes, little-endian), the payload, and a checksum (eight bytes, little-endian)
/// over all of that and the checksum before it, so that frames of two files cannot be mixed. What
/// follows the last sound frame was being written when the writer ended, and is ignored.
package enum CheckpointCodec {
    package static let version = 1
    /// Larger files are neither written nor read: 30 regions of 50 currencies take 15 MB.
    package static let maximumBytes = 256 << 20

    /// The last frame's checksum, which the next one continues.
    package struct Chain: Hashable, Sendable {
        fileprivate var checksum: FNV1a
    }

    /// The decoded content of a file.
    package struct Decoded: Hashable, Sendable {
        /// Whole, and brought up to the last sound frame.
        package var checkpoint: PublicationCheckpoint
        /// Frames of changes that it was brought up by.
        package var changes: Int
        /// Bytes at the end that are not a frame.
        package var ignoredBytes: Int
    }

    private static let magic = "tributary hq "
    private static let kindWhole: UInt8 = 1
    private static let kindChanges: UInt8 = 2
    private static let frameHeadBytes = 5
    private static let checksumBytes = 8

    /// The header and the frame of a whole checkpoint, and what the next frame goes on from.
    package static func encode(whole checkpoint: PublicationCheckpoint) -> ([UInt8], Chain) {
        precondition(checkpoint.isWhole, "a file began with changes")
        var bytes = Array("\(magic)\(version)\n".utf8)
        var chain = Chain(checksum: .hash(bytes))
        bytes += frame(checkpoint, kind: kindWhole, chain: &chain)
        return (bytes, chain)
    }

    /// The next frame of changes after the one that returned `chain`.
    package static func encode(
        changes checkpoint: PublicationCheckpoint, chain: inout Chain
    ) -> [UInt8] {
        precondition(!checkpoint.isWhole, "a whole checkpoint was taken for changes")
        return frame(checkpoint, kind: kindChanges, chain: &chain)
    }

    /// Reads header and frames. It never traps, whatever the bytes are.
    package static func decode(_ bytes: [UInt8]) throws(CheckpointProblem) -> Decoded {
        guard bytes.count <= maximumBytes else { throw .tooLarge }
        var at = try headerEnd(bytes)
        var checksum = FNV1a.hash(bytes[..<at])
        guard let first = frame(in: bytes, at: &at, checksum: &checksum),
            first.kind == kindWhole
        else { throw .damaged }
        var decoded = Decoded(
            checkpoint: try CheckpointReader.read(bytes[first.payload], isWhole: true), changes: 0,
            ignoredBytes: 0)
        while let next = frame(in: bytes, at: &at, checksum: &checksum) {
            guard next.kind == kindChanges else { throw .malformed("a second whole frame") }
            decoded.checkpoint.apply(
                try CheckpointReader.read(bytes[next.payload], isWhole: false))
            decoded.changes += 1
        }
        decoded.ignoredBytes = bytes.count - at
        return decoded
    }

    private static func headerEnd(_ bytes: [UInt8]) throws(CheckpointProblem) -> Int {
        let prefix = Array(magic.utf8)
        guard bytes.starts(with: prefix) else { throw .foreign }
        let rest = bytes[prefix.count...].prefix(10)
        guard let end = rest.firstIndex(of: 0x0A) else { throw .damaged }
        let digits = rest[..<end]
        guard !digits.isEmpty, digits.allSatisfy({ $0 &- 0x30 <= 9 }) else { throw .damaged }
        let text = String(decoding: digits, as: UTF8.self)
        guard text == "\(version)" else { throw .otherVersion(text) }
        return end + 1
    }

    private static func frame(
        _ checkpoint: PublicationCheckpoint, kind: UInt8, chain: inout Chain
    ) -> [UInt8] {
        var bytes: [UInt8] = [kind, 0, 0, 0, 0]
        CheckpointWriter.write(checkpoint, to: &bytes)
        let length = UInt32(clamping: bytes.count - frameHeadBytes)
        for place in 0..<4 { bytes[1 + place] = UInt8(truncatingIfNeeded: length >> (8 * place)) }
        chain.checksum.add(bytes)
        for place in 0..<checksumBytes {
            bytes.append(UInt8(truncatingIfNeeded: chain.checksum.value >> (8 * place)))
        }
        return bytes
    }

    /// The frame at `at`, which it advances past the frame; nil, without advancing, if there is no
    /// valid frame.
    private static func frame(
        in bytes: [UInt8], at: inout Int, checksum: inout FNV1a
    ) -> (kind: UInt8, payload: Range<Int>)? {
        let start = at + frameHeadBytes
        guard start <= bytes.count else { return nil }
        var length = 0
        for place in 0..<4 { length |= Int(bytes[at + 1 + place]) << (8 * place) }
        guard length <= bytes.count - start - checksumBytes else { return nil }
        let end = start + length
        var found = checksum
        found.add(bytes[at..<end])
        var stated: UInt64 = 0
        for place in 0..<checksumBytes { stated |= UInt64(bytes[end + place]) << (8 * place) }
        guard found.value == stated else { return nil }
        let kind = bytes[at]
        at = end + checksumBytes
        checksum = found
        return (kind, start..<end)
    }
}
