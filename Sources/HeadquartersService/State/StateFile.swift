import Glibc
import Platform
import Publishing

/// The file that holds the published values. It appends each tick's changes, so that a killed
/// process restarts with what it last published, and replaces the whole file by an atomic rename
/// from time to time. Blocks: one owner, on its own thread.
struct StateFile: ~Copyable {
    /// Appended changes of fewer bytes never cause a replacement.
    static let appendedBytesMin = 4 << 20

    private let path: String
    /// The file to append to; -1 if the file must be replaced first.
    private var descriptor: Int32 = -1
    private var chain: CheckpointCodec.Chain?
    private var wholeBytes = 0
    private var appendedBytes = 0

    init(path: String) { self.path = path }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether the next checkpoint must be complete: the first one, after a failure, and when the
    /// appended changes are larger than a complete one.
    var wantsWhole: Bool {
        descriptor < 0 || appendedBytes > max(wholeBytes, Self.appendedBytesMin)
    }

    /// The file's bytes; nil if there is no file.
    func read() throws(FileError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("opening")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .system("reading its status") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(doing: "not a regular file", number: 0)
        }
        guard status.st_size <= CheckpointCodec.maximumBytes else {
            throw FileError(doing: "\(CheckpointProblem.tooLarge)", number: 0)
        }
        let size = Int(status.st_size)
        var failure: Int32?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(file, buffer.baseAddress! + count, size - count)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                // If the file became shorter meanwhile, decoding it finds the damage.
                guard got > 0 else { return }
                count += got
            }
        }
        if let failure { throw FileError(doing: "reading", number: failure) }
        return bytes
    }

    /// Replaces the file atomically; this also holds for a power cut.
    mutating func replace(with checkpoint: PublicationCheckpoint) throws(FileError) {
        forget()
        let (bytes, chain) = CheckpointCodec.encode(whole: checkpoint)
        guard bytes.count <= CheckpointCodec.maximumBytes else {
            throw FileError(doing: "\(CheckpointProblem.tooLarge)", number: 0)
        }
        descriptor = try AtomicFile.replace(path, with: bytes)
        self.chain = chain
        wholeBytes = bytes.count
        appendedBytes = 0
    }

    /// Appends changes since the last written checkpoint. They survive a kill of the process; until
    /// the next `sync`, a power cut may lose them.
    mutating func append(_ changes: PublicationCheckpoint) throws(FileError) {
        guard descriptor >= 0, var next = chain else {
            throw FileError(doing: "nothing to append to", number: 0)
        }
        guard isAtPath else {
            // A restarted process would not find changes that are appended to a removed file.
            forget()
            throw FileError(doing: "it was removed or replaced", number: 0)
        }
        let bytes = CheckpointCodec.encode(changes: changes, chain: &next)
        do throws(FileError) {
            try AtomicFile.write(bytes, to: descriptor)
        } catch {
            // A reader stops at a partly written frame, so nothing may be appended after it.
            forget()
            throw error
        }
        chain = next
        appendedBytes += bytes.count
    }

    /// Makes the appended changes survive a power cut.
    mutating func sync() throws(FileError) {
        guard descriptor >= 0 else { return }
        guard fsync(descriptor) == 0 else {
            // The state of the pages is unknown now, and a second fsync would report success.
            let error = FileError.system("syncing")
            forget()
            throw error
        }
    }

    /// Whether the path still refers to the open file.
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
}
