internal import Synchronization

/// Limits readings of the store, which has one thread. Concurrent requests for the same reading
/// share its answer, and only a few different readings run at a time.
final class SharedReadings<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Found = Result<Value, IngestUnavailable>

    private let readingsMax: Int
    private let running = Mutex<[Key: Task<Found, Never>]>([:])

    init(readingsMax: Int) { self.readingsMax = readingsMax }

    /// Joins the running reading of `key`, or starts it. Nil if too many others are running.
    func value(of key: Key, _ read: @escaping @Sendable () async -> Found) async -> Found? {
        let task = running.withLock { running -> Task<Found, Never>? in
            if let shared = running[key] { return shared }
            guard running.count < readingsMax else { return nil }
            let task = Task {
                let found = await read()
                self.running.withLock { $0[key] = nil }
                return found
            }
            running[key] = task
            return task
        }
        return await task?.value
    }
}
