#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads small files as text.
enum TextFile {
    /// The largest file that is read, in bytes. A topology of 256 regions needs far less.
    static let maximumBytes = 1 << 20

    /// Why a file cannot be read, as the expectation that it does not meet.
    struct Failure: Error {
        var expected: String
    }

    /// The text of the file at `path`.
    static func read(_ path: String) throws(Failure) -> String {
        guard !path.utf8.contains(0), let file = fopen(path, "re") else {
            throw Failure(expected: "a readable file (\(reason(errno)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else {
            throw Failure(expected: "a readable file (\(reason(errno)))")
        }
        guard count <= maximumBytes else {
            throw Failure(expected: "a file of at most \(maximumBytes) bytes")
        }
        // Skip the byte order mark that some editors write.
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        guard let text = String(validating: bytes[start..<max(start, count)], as: UTF8.self) else {
            throw Failure(expected: "UTF-8 text")
        }
        return text
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT: "no such file"
        case EACCES: "permission denied"
        case EISDIR: "it is a folder"
        default: "error \(code)"
        }
    }

    /// The folder part of `path` with a slash at the end; empty if there is none.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[...slash])
    }

    /// `path`, relative to the folder of the file `base` unless it is absolute.
    static func resolve(_ path: String, beside base: String) -> String {
        path.hasPrefix("/") ? path : folder(of: base) + path
    }
}
