internal import Synchronization

/// A fixed number of places. `enter` takes some or fails at once.
final class Gate: Sendable {
    private let free: Mutex<Int>

    init(places: Int) { free = Mutex(places) }

    func enter(_ count: Int) -> Bool {
        free.withLock { free in
            guard free >= count else { return false }
            free -= count
            return true
        }
    }

    func leave(_ count: Int) { free.withLock { $0 += count } }
}

/// The places in a gate that one request has taken so far. `end` must be called once.
final class Holding: Sendable {
    private let gate: Gate
    private let count = Mutex(0)

    init(_ gate: Gate) { self.gate = gate }

    func add(_ more: Int) -> Bool {
        guard gate.enter(more) else { return false }
        count.withLock { $0 += more }
        return true
    }

    /// Returns the places to the gate.
    func end() {
        let taken = count.withLock { count in
            defer { count = 0 }
            return count
        }
        gate.leave(taken)
    }
}
