internal import Gzip

/// Decompresses documents that arrive compressed although the request did not ask for that.
enum GzipDocument {
    private static let stepBytes = 64 << 10

    /// The decompressed `bytes`, or `bytes` unchanged if they are not gzip. Decides by the first
    /// bytes, not by a header: no text document begins like gzip.
    static func plain(_ bytes: [UInt8]) throws(RatesDocumentError) -> [UInt8] {
        guard bytes.starts(with: Gzip.magic) else { return bytes }
        do throws(GzipReader.Failure) {
            return try decompress(bytes)
        } catch {
            throw RatesDocumentError("valid gzip of \(RatesDocument.maximumBytes) bytes at most")
        }
    }

    private static func decompress(_ bytes: [UInt8]) throws(GzipReader.Failure) -> [UInt8] {
        var reader = try GzipReader()
        var left = bytes[...]
        var plain: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: stepBytes, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let step = try reader.read(into: buffer)
            switch step {
            case .bytes(let count):
                guard plain.count + count <= RatesDocument.maximumBytes else { throw .corrupt }
                plain += buffer[..<count]
            case .needsInput:
                let next = left.prefix(GzipReader.inputBytes)
                left = left.dropFirst(next.count)
                next.withUnsafeBytes { reader.give($0) }
            case .end:
                return plain
            }
        }
    }
}
