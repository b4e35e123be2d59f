import Logging
import RedisStore
import Synchronization

/// Logs when the store becomes unavailable and available again, not each failed attempt.
final class StoreState: Sendable {
    private let isLost = Mutex(false)
    private let side: String
    private let logger: Logger

    init(side: String, logger: Logger) {
        self.side = side
        self.logger = logger
    }

    /// Notes the result of an operation; nil for success. An overloaded store is available.
    func note(_ error: (any Error)?) {
        if let error = error as? RedisStoreError, error.code == .overloaded { return }
        let changed = isLost.withLock { isLost in
            defer { isLost = error != nil }
            return isLost != (error != nil)
        }
        guard changed else { return }
        if let error {
            logger.error(
                "Redis is unavailable", metadata: ["side": "\(side)", "error": "\(error)"])
        } else {
            logger.notice("Redis is available again", metadata: ["side": "\(side)"])
        }
    }
}
