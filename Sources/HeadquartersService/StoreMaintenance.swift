import Logging
import Platform
import RedisStore
import ServiceLifecycle

/// Maintains the store once a minute; the store itself decides when its hourly comparison of sums
/// with shards is due.
struct StoreMaintenance: Service {
    let store: RedisStore
    let commits: CommitState
    let interval: Duration
    let logger: Logger

    func run() async throws {
        let state = StoreState(side: "maintenance", logger: logger)
        // The shutdown cancels the sleep, which ends the loop.
        try? await cancelWhenGracefulShutdown {
            while true {
                await maintain(state)
                try await Task.sleep(for: interval)
            }
        }
    }

    private func maintain(_ state: StoreState) async {
        do {
            let done = try await store.maintenance(
                now: commits.present(at: SystemClock.reading()))
            state.note(nil)
            if done.repairedKeys > 0 || done.droppedWatermarks > 0 {
                logger.warning(
                    "maintenance repaired Redis",
                    metadata: [
                        "verified_minutes": "\(done.verifiedMinutes)",
                        "repaired_keys": "\(done.repairedKeys)",
                        "dropped_watermarks": "\(done.droppedWatermarks)",
                    ])
            }
        } catch {
            state.note(error)
        }
    }
}
