import Glibc
import Logging
import Platform
import Synchronization

/// The object that a handle's opaque pointer passes to librdkafka's callbacks. The handle keeps it
/// alive until after `rd_kafka_destroy`, when no callback can run any more.
class HandleContext: @unchecked Sendable {
    let libraryLog: LibraryLog

    init(logger: Logger) { libraryLog = LibraryLog(logger: logger) }
}

/// Forwards librdkafka's own log messages at a limited rate, because a broker that is down causes
/// one per connection attempt. Safe from any thread; librdkafka logs from all of its own.
final class LibraryLog: Sendable {
    /// Messages of one facility forwarded per period; further ones are only counted.
    private static let messagesPerPeriodMax = 3
    private static let periodSeconds = 30
    /// Facilities tracked separately; librdkafka has about a hundred.
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

    /// The number of messages suppressed before this one, or nil to suppress this one too.
    private func admit(_ facility: String) -> Int? {
        let period = Int(SystemClock.uptime()) / 1_000 / Self.periodSeconds
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
