internal import Glibc

/// Files that are replaced as a whole. Every call blocks.
package enum AtomicFile {
    /// Replaces the file at `path`, readable by its owner only: a reader finds either the old
    /// content or the new, even after a power cut. It writes `path` with `.new` appended first.
    ///
    /// - Returns: the new file's descriptor, at its end, for the caller to close.
    package static func replace(
        _ path: String, with bytes: [UInt8]
    ) throws(FileError) -> Int32 {
        let temporary = path + ".new"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        let file = open(temporary, flags, 0o600)
        guard file >= 0 else { throw .system("creating") }
        do throws(FileError) {
            try write(bytes, to: file)
            guard fsync(file) == 0 else { throw .system("syncing") }
            guard rename(temporary, path) == 0 else { throw .system("renaming") }
            try syncFolder(of: path)
        } catch {
            close(file)
            throw error
        }
        return file
    }

    /// Writes all of `bytes`; after an error, part of them may be in the file.
    package static func write(_ bytes: [UInt8], to file: Int32) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(file, buffer.baseAddress! + written, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("writing") }
            written += count
        }
    }

    /// Without this, a power cut can undo the rename.
    private static func syncFolder(of path: String) throws(FileError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("opening the folder") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("syncing the folder") }
    }
}
