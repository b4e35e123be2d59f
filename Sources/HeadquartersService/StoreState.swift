import Logging
import RedisStore
import Synchronization

/// Logs when the store is lost and when it is back, not each failed attempt in between.
final class StoreState: Sendable {
    private let isLost = Mutex(false)
    private let side: String
    private let logger: Logger

    init(side: String, logger: Logger) {
        self.side = side
        self.logger = logger
    }

    /// Notes how an operation ended; nil for success. An overloaded store is not lost.
    func note(_ error: (any Error)?) {
        if let error = error as? RedisStoreError, error.code == .overloaded { return }
        let changed = isLost.withLock { isLost in
            defer { isLost = error != nil }
            return isLost != (error != nil)
        }
        guard changed else { return }
        if let error {
            logger.error("store lost", metadata: ["side": "\(side)", "error": "\(error)"])
        } else {
            logger.notice("store back", metadata: ["side": "\(side)"])
        }
    }
}
