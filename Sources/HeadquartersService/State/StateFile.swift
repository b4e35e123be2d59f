import Federation
import Glibc

/// The file that holds what the publisher shows. It is replaced whole by an atomic rename, and
/// between replacements each tick's changes are appended, so that a process that is killed comes
/// back with what it showed last. Blocks: one owner, on a thread of its own.
struct StateFile: ~Copyable {
    /// Appended changes of fewer bytes never cause a replacement.
    static let appendedBytesMin = 4 << 20

    private let path: String
    /// Where the next frame goes; -1 where the file has to be replaced first.
    private var descriptor: Int32 = -1
    private var chain: SnapshotCodec.Chain?
    private var wholeBytes = 0
    private var appendedBytes = 0

    init(path: String) { self.path = path }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether the next snapshot has to be whole: at first, after a failure, and when the changes
    /// have outgrown the whole.
    var wantsWhole: Bool {
        descriptor < 0 || appendedBytes > max(wholeBytes, Self.appendedBytesMin)
    }

    /// The file's bytes; nil where there is no file.
    func read() throws(StateFileError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("opening")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .system("looking at it") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw StateFileError(doing: "not a regular file", number: 0)
        }
        guard status.st_size <= SnapshotCodec.maximumBytes else {
            throw StateFileError(doing: "\(SnapshotProblem.tooLarge)", number: 0)
        }
        let size = Int(status.st_size)
        var failure: Int32?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(file, buffer.baseAddress! + count, size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                // A file that has become shorter meanwhile is found damaged.
                guard got > 0 else { return }
                count += got
            }
        }
        if let failure { throw StateFileError(doing: "reading", number: failure) }
        return bytes
    }

    /// Replaces the file: a reader finds the old one or the new one, also after a power cut.
    mutating func replace(with snapshot: PublicationSnapshot) throws(StateFileError) {
        forget()
        let (bytes, chain) = SnapshotCodec.encode(whole: snapshot)
        guard bytes.count <= SnapshotCodec.maximumBytes else {
            throw StateFileError(doing: "\(SnapshotProblem.tooLarge)", number: 0)
        }
        let temporary = path + ".new"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        let file = open(temporary, flags, 0o600)
        guard file >= 0 else { throw .system("creating") }
        do throws(StateFileError) {
            try Self.write(bytes, to: file)
            guard fsync(file) == 0 else { throw .system("syncing") }
            guard rename(temporary, path) == 0 else { throw .system("renaming") }
            try syncFolder()
        } catch {
            close(file)
            throw error
        }
        descriptor = file
        self.chain = chain
        wholeBytes = bytes.count
        appendedBytes = 0
    }

    /// Appends changes since the snapshot written last. A process that is killed keeps them; a
    /// power cut may lose them before the next `sync`.
    mutating func append(_ changes: PublicationSnapshot) throws(StateFileError) {
        guard descriptor >= 0, var next = chain else {
            throw StateFileError(doing: "nothing to append to", number: 0)
        }
        guard isAtPath else {
            // A restarted process could not find what is appended to a removed file.
            forget()
            throw StateFileError(doing: "it was removed or replaced", number: 0)
        }
        let bytes = SnapshotCodec.encode(changes: changes, chain: &next)
        do throws(StateFileError) {
            try Self.write(bytes, to: descriptor)
        } catch {
            // Half a frame may stand there, and nothing after it would be read.
            forget()
            throw error
        }
        chain = next
        appendedBytes += bytes.count
    }

    /// Makes what was appended outlive a power cut.
    mutating func sync() throws(StateFileError) {
        guard descriptor >= 0 else { return }
        guard fsync(descriptor) == 0 else {
            // What became of the pages is unknown: asking again would only say that all is well.
            let error = StateFileError.system("syncing")
            forget()
            throw error
        }
    }

    /// Whether the path still leads to the open file.
    private var isAtPath: Bool {
        var (open, found) = (stat(), stat())
        return fstat(descriptor, &open) == 0 && lstat(path, &found) == 0
            && open.st_ino == found.st_ino && open.st_dev == found.st_dev
    }

    private mutating func forget() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        chain = nil
    }

    private func syncFolder() throws(StateFileError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("opening the folder") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("syncing the folder") }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) throws(StateFileError) {
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
}
