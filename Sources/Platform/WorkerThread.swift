import Glibc
import Synchronization

/// One named operating system thread that owns a blocking conversation with a C library.
///
/// Blocking calls must never run on Swift's cooperative threads: as many of them as there are cores
/// stop the whole process. The `State` is created, used and destroyed only on this thread, so a C
/// handle inside it needs no lock.
///
/// Jobs run one at a time in the order of submission. The queue is bounded: if it is full, the
/// caller gets an error. A running job is never interrupted; bound it with the C library's own
/// timeouts. Everything here may be called from any thread.
///
/// Dropping the last reference stops the thread as ``requestStop()`` does, without waiting.
package final class WorkerThread<State: ~Copyable>: Sendable {
    /// The default bound on waiting jobs.
    package static var defaultCapacity: Int { 256 }

    private let queue: JobQueue<State>
    /// The thread to join; nil once it was joined.
    private let handle: Mutex<pthread_t?>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: as shown by `ps -L` and `top -H`; the kernel keeps the first 15 bytes.
    ///   - capacity: the maximum number of waiting jobs, at least 1, without the running one.
    ///   - makeState: runs on the new thread before the first job.
    ///   - whenIdle: if given, runs repeatedly whenever no job waits: the thread's own
    ///     conversation, such as polling. It must block briefly itself, which paces the thread.
    ///     Jobs and a stop wait until it returns.
    package init(
        name: String, capacity: Int = WorkerThread.defaultCapacity,
        makeState: @escaping @Sendable () -> State,
        whenIdle: (@Sendable (inout State) -> Void)? = nil
    ) throws(WorkerThreadError) {
        let queue = JobQueue<State>(capacity: capacity)
        self.queue = queue
        handle = Mutex(
            try startThread(name: name) {
                do {
                    var state = makeState()
                    turns: while true {
                        switch queue.next(waits: whenIdle == nil) {
                        case .job(let job): job.run(&state)
                        case .idle: whenIdle?(&state)
                        case .stop: break turns
                        }
                    }
                }
                queue.markEnded()
            })
    }

    deinit {
        queue.stop()
        if let thread = handle.withLock({ $0.take() }) { pthread_detach(thread) }
    }

    /// True from the first stop request on. A job that loops for the life of the thread must check
    /// this between its blocking calls.
    package var isStopping: Bool { queue.isStopping }

    /// Jobs that have not begun; a gauge, already outdated when it is read.
    package var waitingJobs: Int { queue.waiting }

    /// Queues a job without waiting for it. If the thread stops first, the job is dropped silently.
    package func submit(
        _ job: @escaping @Sendable (inout State) -> Void
    ) throws(WorkerThreadError) {
        try queue.append(Job(run: job, refuse: {}))
    }

    /// Runs `body` on the thread and returns or throws its result.
    ///
    /// Cancelling the task does not remove a queued job.
    /// - Throws: `body`'s error, or ``WorkerThreadError``.
    package func perform<Answer: Sendable>(
        _ body: @escaping @Sendable (inout State) throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let job = Job<State>(
                run: { state in
                    do {
                        continuation.resume(returning: try body(&state))
                    } catch {
                        continuation.resume(throwing: error)
                    }
                },
                refuse: { continuation.resume(throwing: WorkerThreadError.stopped) })
            do {
                try queue.append(job)
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    /// Lets the running job finish, refuses all others, and ends the thread. Does not wait.
    package func requestStop() { queue.stop() }

    /// Stops the thread and waits, without blocking a cooperative thread, until it has ended.
    package func stop() async {
        queue.stop()
        await queue.ended()
        reap()
    }

    /// Stops the thread and blocks until it has ended. Never call it from a job or a task.
    package func stopAndJoin() {
        queue.stop()
        queue.waitUntilEnded()
        reap()
    }

    /// Frees the thread's stack; it has run its last statement, so this takes microseconds.
    private func reap() {
        if let thread = handle.withLock({ $0.take() }) { pthread_join(thread, nil) }
    }
}

extension WorkerThread where State == Void {
    /// Starts a thread that keeps nothing between jobs.
    package convenience init(
        name: String, capacity: Int = WorkerThread.defaultCapacity
    ) throws(WorkerThreadError) {
        try self.init(name: name, capacity: capacity, makeState: {})
    }
}
