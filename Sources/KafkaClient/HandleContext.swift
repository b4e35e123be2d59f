import Glibc
import Logging
import Synchronization

/// What librdkafka's callbacks find behind a handle's opaque pointer. The handle keeps it alive
/// until after `rd_kafka_destroy`, when no callback can come any more.
class HandleContext: @unchecked Sendable {
    let libraryLog: LibraryLog

    init(logger: Logger) { libraryLog = LibraryLog(logger: logger) }
}

/// Passes librdkafka's own messages on, a few at a time: a broker that is down says so for every
/// attempt. Safe from any thread; librdkafka logs from all of its own.
final class LibraryLog: Sendable {
    /// Messages of one facility that pass in each period; the rest is counted.
    private static let messagesPerPeriodMax = 3
    private static let periodSeconds = 30
    /// Facilities that are told apart; librdkafka has about a hundred names.
    private static let facilitiesMax = 256

    private struct Share {
        var period: Int
        var passed = 0
        var suppressed = 0
    }

    private let logger: Logger
    private let shares = Mutex<[String: Share]>([:])

    init(logger: Logger) { self.logger = logger }

    /// - Parameter severity: as in syslog, 0 (emergency) to 7 (debug).
    func write(severity: Int32, facility: String, detail: String) {
        guard let suppressedBefore = admit(facility) else { return }
        var metadata: Logger.Metadata = ["facility": "\(facility)", "detail": "\(detail)"]
        if suppressedBefore > 0 { metadata["suppressed"] = "\(suppressedBefore)" }
        logger.log(level: Self.level(severity), "kafka library", metadata: metadata)
    }

    /// Nil when the message is one too many; else how many were held back before it.
    private func admit(_ facility: String) -> Int? {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let period = now.tv_sec / Self.periodSeconds
        return shares.withLock { shares in
            guard shares.count < Self.facilitiesMax || shares[facility] != nil else { return nil }
            var share = shares[facility] ?? Share(period: period)
            var suppressedBefore = 0
            if share.period != period {
                suppressedBefore = share.suppressed
                share = Share(period: period)
            }
            let passes = share.passed < Self.messagesPerPeriodMax
            if passes { share.passed += 1 } else { share.suppressed += 1 }
            shares[facility] = share
            return passes ? suppressedBefore : nil
        }
    }

    private static func level(_ severity: Int32) -> Logger.Level {
        switch severity {
        case ...3: .error
        case 4: .warning
        case 5: .notice
        case 6: .info
        default: .debug
        }
    }
}
