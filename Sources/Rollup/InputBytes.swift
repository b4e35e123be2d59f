internal import Gzip

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The bytes of one input, those of gzip decompressed: what begins as gzip is gzip, whatever its
/// name.
///
/// Safe to share: the one reader that owns it touches it under its lock alone.
final class InputBytes: @unchecked Sendable {
    private let input: RollupInput
    private let descriptor: Int32
    private var gzip: GzipReader?
    /// The first stored bytes, by which gzip is told; empty once they have been handed on.
    private var first: [UInt8] = []
    private var isBegun = false
    /// Bytes read of the input, as it is stored.
    private(set) var storedBytes = 0

    init(_ input: RollupInput) throws(RollupError) {
        self.input = input
        guard case .file(let path) = input else {
            descriptor = STDIN_FILENO
            return
        }
        #if canImport(Glibc)
            descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        #else
            descriptor = Darwin.open(path, O_RDONLY | O_CLOEXEC)
        #endif
        guard descriptor >= 0 else { throw RollupError(input: input, errorNumber: errno) }
    }

    deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

    /// Writes the next bytes to `bytes`, which must not be empty, and answers how many; 0 at the
    /// end.
    func read(into bytes: UnsafeMutableRawBufferPointer) throws(RollupError) -> Int {
        if !isBegun { try begin() }
        guard let gzip else { return try readStored(into: bytes) }
        while true {
            switch try decompress(gzip, into: bytes) {
            case .bytes(let count): return count
            case .end: return 0
            case .needsInput:
                try gzip.give { (room) throws(RollupError) in try readStored(into: room) }
            }
        }
    }

    private func decompress(
        _ gzip: GzipReader, into bytes: UnsafeMutableRawBufferPointer
    ) throws(RollupError) -> GzipReader.Step {
        do throws(GzipReader.Failure) {
            return try gzip.read(into: bytes)
        } catch .outOfMemory {
            throw RollupError(input: input, errorNumber: ENOMEM)
        } catch .truncated {
            throw RollupError(input: input, detail: "the compressed data ends too early")
        } catch {
            throw RollupError(input: input, detail: "the compressed data is damaged")
        }
    }

    /// Looks at the first bytes.
    private func begin() throws(RollupError) {
        isBegun = true
        var bytes = [UInt8](repeating: 0, count: Gzip.magic.count)
        var count = 0
        // A pipe may hand over one byte at a time.
        while count < bytes.count {
            let got: Result<Int, RollupError> = bytes.withUnsafeMutableBytes { bytes in
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
                return Result { () throws(RollupError) in try readStored(into: rest) }
            }
            let more = try got.get()
            guard more > 0 else { break }
            count += more
        }
        first = Array(bytes[..<count])
        guard first == Gzip.magic else { return }
        do {
            gzip = try GzipReader()
        } catch {
            throw RollupError(input: input, errorNumber: ENOMEM)
        }
    }

    private func readStored(
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(RollupError) -> Int {
        let begun = min(first.count, bytes.count)
        if begun > 0 {
            bytes.copyBytes(from: first[..<begun])
            first.removeFirst(begun)
            return begun
        }
        while true {
            #if canImport(Glibc)
                let got = Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            #else
                let got = Darwin.read(descriptor, bytes.baseAddress, bytes.count)
            #endif
            if got >= 0 {
                storedBytes += got
                return got
            }
            guard errno == EINTR else { throw RollupError(input: input, errorNumber: errno) }
        }
    }
}
