import Glibc

/// One job: the work, and what to do instead if the thread stops first. Exactly one of the two
/// closures is called, once.
struct Job<State: ~Copyable>: Sendable {
    let run: @Sendable (inout State) -> Void
    let refuse: @Sendable () -> Void
}

/// The bounded queue between callers and one worker thread. Safe from any thread: all state is
/// guarded by `mutex`, and no closure runs while it is held.
final class JobQueue<State: ~Copyable>: @unchecked Sendable {
    private let capacity: Int
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    /// A ring of `capacity` places that begins at `head`.
    private var places: [Job<State>?]
    private var head = 0
    private var count = 0
    private var stopRequested = false
    private var hasEnded = false
    private var endWaiters: [CheckedContinuation<Void, Never>] = []

    init(capacity: Int) {
        precondition(capacity >= 1, "a worker thread was given room for \(capacity) jobs")
        self.capacity = capacity
        places = Array(repeating: nil, count: capacity)
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        changed = .allocate(capacity: 1)
        changed.initialize(to: pthread_cond_t())
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        changed.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    private func locked<Answer>(_ body: () -> Answer) -> Answer {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    var isStopping: Bool { locked { stopRequested } }

    var waiting: Int { locked { count } }

    func append(_ job: Job<State>) throws(WorkerThreadError) {
        let problem: WorkerThreadError? = locked {
            if stopRequested { return .stopped }
            if count == capacity { return .overloaded(capacity: capacity) }
            places[(head + count) % capacity] = job
            count += 1
            pthread_cond_broadcast(changed)
            return nil
        }
        if let problem { throw problem }
    }

    /// The worker thread's next step.
    enum Turn {
        case job(Job<State>)
        /// No job is waiting.
        case idle
        case stop
    }

    /// The next turn, which is never `idle` when `waits`. Called by the worker thread only.
    func next(waits: Bool) -> Turn {
        locked {
            while waits, count == 0, !stopRequested { pthread_cond_wait(changed, mutex) }
            if stopRequested { return .stop }
            return removeFirst().map(Turn.job) ?? .idle
        }
    }

    /// Ends the queue and refuses all waiting jobs. Further calls have no effect.
    func stop() {
        let refused = locked {
            stopRequested = true
            pthread_cond_broadcast(changed)
            var waiting: [Job<State>] = []
            while let job = removeFirst() { waiting.append(job) }
            return waiting
        }
        for job in refused { job.refuse() }
    }

    /// The worker thread's last statement, after it has destroyed its state.
    func markEnded() {
        let waiters = locked {
            hasEnded = true
            pthread_cond_broadcast(changed)
            defer { endWaiters = [] }
            return endWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func ended() async {
        await withCheckedContinuation { continuation in
            let alreadyEnded = locked {
                if !hasEnded { endWaiters.append(continuation) }
                return hasEnded
            }
            if alreadyEnded { continuation.resume() }
        }
    }

    func waitUntilEnded() {
        locked {
            while !hasEnded { pthread_cond_wait(changed, mutex) }
        }
    }

    /// Removes the oldest waiting job. The caller holds the mutex.
    private func removeFirst() -> Job<State>? {
        guard count > 0, let job = places[head].take() else { return nil }
        head = (head + 1) % capacity
        count -= 1
        return job
    }
}
