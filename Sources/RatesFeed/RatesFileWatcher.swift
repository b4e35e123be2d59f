import Glibc
import Logging
import Money
import TopologyFile

/// Reads the file of exchange rates when it has changed. A file that cannot be used is reported
/// once and the caller keeps the last good set.
struct RatesWatcher {
    let path: String
    let logger: Logger
    private var seen: Identity?
    private var isMissing = false

    /// What changes with a file's content, replaced or written in place.
    private struct Identity: Equatable {
        var device: dev_t
        var inode: ino_t
        var size: off_t
        var seconds: Int
        var nanoseconds: Int
    }

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    /// The rates, if the file is another than at the last call and good.
    mutating func changedRates() -> RateSet? {
        guard let identity = identity() else {
            if !isMissing {
                logger.error("exchange rates missing", metadata: ["file": "\(path)"])
            }
            isMissing = true
            return nil
        }
        isMissing = false
        guard identity != seen else { return nil }
        seen = identity
        do throws(TopologyFileError) {
            let rates = try RatesFile.load(path: path)
            logger.notice(
                "exchange rates read",
                metadata: [
                    "id": "\(rates.id)", "source": "\(rates.source)", "date": "\(rates.date)",
                ])
            return rates
        } catch {
            logger.error(
                "exchange rates refused",
                metadata: ["problems": .array(error.problems.map { "\($0)" })])
            return nil
        }
    }

    private func identity() -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(
            device: status.st_dev, inode: status.st_ino, size: status.st_size,
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
}
