internal import Glibc
internal import Platform

/// Saves the last good rates in a file, on its own thread, so that the next run can use them while
/// the provider is down. Problems with the file never stop the feed.
final class RatesKeeper: Sendable {
    private static let waitingJobs = 4

    let path: String
    private let thread: WorkerThread<Void>

    init(path: String) throws(WorkerThreadError) {
        self.path = path
        thread = try WorkerThread(name: "rates-keeper", capacity: Self.waitingJobs)
    }

    /// The rates of an earlier run; nil if there is no file.
    /// - Throws: `RatesFeedError`, safe to print, if the file cannot be read or is not ours.
    func load() async throws -> KeptRates? {
        let path = path
        return try await thread.perform { _ in
            guard let bytes = try Self.read(path) else { return nil }
            do throws(RatesDocumentError) {
                return try KeptRates(bytes)
            } catch {
                throw RatesFeedError(error.description)
            }
        }
    }

    /// Replaces the file atomically; this also holds for a power cut.
    /// - Throws: `RatesFeedError`, safe to print.
    /// - Parameter rates: called on the keeper's thread; returns nil if there is nothing to save.
    func keep(_ rates: @escaping @Sendable () -> KeptRates?) async throws {
        let path = path
        try await thread.perform { _ in
            if let rates = rates() { try Self.replace(path, with: rates.bytes) }
        }
    }

    func close() async { await thread.stop() }

    private static func failure(_ doing: String) -> RatesFeedError {
        RatesFeedError("\(doing): error \(errno)")
    }

    private static func read(_ path: String) throws(RatesFeedError) -> [UInt8]? {
        guard let file = fopen(path, "re") else {
            if errno == ENOENT { return nil }
            throw failure("opening")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: RatesDocument.maximumBytes + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw failure("reading") }
        return Array(bytes[..<count])
    }

    private static func replace(_ path: String, with bytes: [UInt8]) throws(RatesFeedError) {
        do throws(FileError) {
            Glibc.close(try AtomicFile.replace(path, with: bytes))
        } catch {
            throw RatesFeedError("\(error)")
        }
    }
}
