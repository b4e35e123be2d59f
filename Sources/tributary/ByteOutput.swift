#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file or standard output. Writes everything or throws an error that names it.
struct ByteOutput: ~Copyable {
    /// Why bytes could not be written.
    struct Failure: Error, CustomStringConvertible {
        var name: String
        /// The value of `errno`.
        var errorNumber: Int32

        /// Whether the reader of a pipe closed it, which ends the output without a failure.
        var isClosedPipe: Bool { errorNumber == EPIPE }

        var description: String { "\(name): \(String(cString: strerror(errorNumber)))" }
    }

    private let descriptor: Int32
    private let name: String

    /// Standard output.
    init() {
        descriptor = STDOUT_FILENO
        name = "standard output"
    }

    /// The file at `path`, truncated if it exists.
    init(path: String) throws {
        let opened = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw Failure(name: path, errorNumber: errno) }
        descriptor = opened
        name = path
    }

    deinit { if descriptor != STDOUT_FILENO { close(descriptor) } }

    /// Blocks until all of `bytes` are written.
    func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let slice = UnsafeRawBufferPointer(rebasing: rest)
                let written = systemWrite(descriptor, slice.baseAddress, slice.count)
                if written >= 0 {
                    rest = rest.dropFirst(written)
                } else if errno != EINTR {
                    throw Failure(name: name, errorNumber: errno)
                }
            }
        }
    }
}

/// `write(2)`; inside `ByteOutput`, the method `write` hides the function's own name.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

/// Writes a message for people, ignoring errors.
func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { _ = systemWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
}
