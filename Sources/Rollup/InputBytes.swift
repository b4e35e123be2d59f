#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The text of one input in UTF-8: gzip and zstd are decompressed, UTF-16 with a byte-order mark is
/// converted. The first bytes decide, not the file's name. One owner, any thread.
struct InputBytes: ~Copyable, Sendable {
    private let input: RollupInput
    private let descriptor: Int32
    private var decompressor: Decompressor?
    /// The first stored bytes, which identify compression; empty once they have been passed on.
    private var first: [UInt8] = []
    /// The first bytes of the text, possibly a byte-order mark; empty once they have been passed
    /// on.
    private var opening: [UInt8] = []
    private var utf16: UTF16Text?
    /// A buffer for UTF-16 input; empty for other input.
    private var units: [UInt8] = []
    private var isBegun = false
    /// Room for stored bytes that are to be decompressed; empty where the input is not
    /// compressed.
    private var compressed: [UInt8] = []
    /// Bytes read from the input in its stored form.
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

    /// Writes the next bytes to `bytes`, which has room for at least `roomMin`. Returns their
    /// number; 0 at the end.
    mutating func read(into bytes: UnsafeMutableRawBufferPointer) throws(RollupError) -> Int {
        if !isBegun {
            isBegun = true
            try beginStored()
            try beginText()
        }
        if utf16 != nil { return try readUTF16(into: bytes) }
        guard opening.isEmpty else {
            bytes.copyBytes(from: opening)
            defer { opening = [] }
            return opening.count
        }
        return try readContent(into: bytes)
    }

    /// Large enough for a byte-order mark, or for a few UTF-16 units.
    static let roomMin = 64
    private static let unitBytes = 128 << 10

    /// Like `read`, for UTF-16 text.
    private mutating func readUTF16(
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(RollupError) -> Int {
        var buffer: [UInt8] = []
        swap(&buffer, &units)
        defer { swap(&buffer, &units) }
        let size = min(buffer.count, UTF16Text.inputBytesMax(room: bytes.count))
        while true {
            let count = try fill(&buffer, 0..<size)
            guard count > 0 else {
                guard utf16?.isBetweenCharacters != false else {
                    throw RollupError(
                        input: input, detail: "the UTF-16 text ends within a character")
                }
                return 0
            }
            let written = buffer.withUnsafeBytes { units in
                utf16?.convert(UnsafeRawBufferPointer(rebasing: units[..<count]), into: bytes)
            }
            // A pipe may deliver half a unit.
            if let written, written > 0 { return written }
        }
    }

    /// Reads decompressed bytes into a part of `buffer`.
    private mutating func fill(
        _ buffer: inout [UInt8], _ part: Range<Int>
    ) throws(RollupError) -> Int {
        let read: Result<Int, RollupError> = buffer.withUnsafeMutableBytes { bytes in
            let room = UnsafeMutableRawBufferPointer(rebasing: bytes[part])
            return Result { () throws(RollupError) in try readContent(into: room) }
        }
        return try read.get()
    }

    /// Writes the next decompressed bytes, and returns their number.
    private mutating func readContent(
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(RollupError) -> Int {
        guard !compressed.isEmpty else { return try readStored(into: bytes) }
        while true {
            if let count = try decompress(into: bytes) { return count }
            try giveStored()
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
        buffer.withUnsafeBytes {
            decompressor?.give(UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
        compressed = buffer
    }

    /// Writes the next decompressed bytes, and returns their number: 0 at the end, nil if more
    /// stored ones are needed.
    private mutating func decompress(
        into bytes: UnsafeMutableRawBufferPointer
    ) throws(RollupError) -> Int? {
        do throws(Decompressor.Failure) {
            return try decompressor?.read(into: bytes)
        } catch {
            throw rollupError(error)
        }
    }

    /// Examines the first stored bytes.
    private mutating func beginStored() throws(RollupError) {
        var bytes = [UInt8](repeating: 0, count: OtherCompression.magicBytesMax)
        var count = 0
        // A pipe may deliver one byte at a time.
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
        if let other = OtherCompression.recognise(first) {
            throw RollupError(
                input: input,
                detail: "compressed with \(other.name), which is not supported: "
                    + "pass it through \(other.tool)")
        }
        guard let form = Decompressor.Form(first) else { return }
        do throws(Decompressor.Failure) {
            decompressor = try Decompressor(form)
            compressed = [UInt8](repeating: 0, count: Decompressor.inputBytes)
        } catch {
            throw rollupError(error)
        }
    }

    private func rollupError(_ failure: Decompressor.Failure) -> RollupError {
        switch failure {
        case .outOfMemory: RollupError(input: input, errorNumber: ENOMEM)
        case .damage(let detail): RollupError(input: input, detail: detail)
        }
    }

    /// Examines the first bytes of the text.
    private mutating func beginText() throws(RollupError) {
        var bytes = [UInt8](repeating: 0, count: UTF16Text.littleEndianMark.count)
        var count = 0
        while count < bytes.count {
            let more = try fill(&bytes, count..<bytes.count)
            guard more > 0 else { break }
            count += more
        }
        opening = Array(bytes[..<count])
        utf16 = UTF16Text(mark: opening)
        guard utf16 != nil else { return }
        opening = []
        units = [UInt8](repeating: 0, count: Self.unitBytes)
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
