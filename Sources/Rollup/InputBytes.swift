internal import Gzip

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The bytes of one input, decompressed where they are gzip, which its first bytes tell, not its
/// name. One owner, any thread.
struct InputBytes: ~Copyable, Sendable {
    private let input: RollupInput
    private let descriptor: Int32
    private var gzip: GzipReader?
    /// The first stored bytes, which identify gzip; empty once they have been passed on.
    private var first: [UInt8] = []
    private var isBegun = false
    /// Room for stored bytes that are to be decompressed; empty where the input is not gzip.
    private var compressed: [UInt8] = []
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
    mutating func read(into bytes: UnsafeMutableRawBufferPointer) throws(RollupError) -> Int {
        if !isBegun { try begin() }
        guard !compressed.isEmpty else { return try readStored(into: bytes) }
        while true {
            switch try decompress(into: bytes) {
            case .bytes(let count): return count
            case .end, nil: return 0
            case .needsInput: try giveStored()
            }
        }
    }

    /// Passes the next stored bytes to the decompressor.
    private mutating func giveStored() throws(RollupError) {
        var buffer: [UInt8] = []
        swap(&buffer, &compressed)
        let read: Result<Int, RollupError> = buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(RollupError) in try readStored(into: bytes) }
        }
        let count = try read.get()
        buffer.withUnsafeBytes { gzip?.give(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        compressed = buffer
    }

    private mutating func decompress(
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(RollupError) -> GzipReader.Step? {
        do throws(GzipReader.Failure) {
            return try gzip?.read(into: bytes)
        } catch .outOfMemory {
            throw RollupError(input: input, errorNumber: ENOMEM)
        } catch .truncated {
            throw RollupError(input: input, detail: "the compressed data ends too early")
        } catch {
            throw RollupError(input: input, detail: "the compressed data is damaged")
        }
    }

    /// Looks at the first bytes.
    private mutating func begin() throws(RollupError) {
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
            compressed = [UInt8](repeating: 0, count: GzipReader.inputBytes)
        } catch {
            throw RollupError(input: input, errorNumber: ENOMEM)
        }
    }

    private mutating func readStored(
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
