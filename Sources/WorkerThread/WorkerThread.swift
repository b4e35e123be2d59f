import Glibc
import Synchronization

/// One named operating system thread that owns a blocking conversation with a C library.
///
/// Blocking calls must never run on Swift's cooperative threads: as many of them as there are
/// cores stop the whole process. The `State` is made on the thread, is only ever touched there,
/// and is destroyed there when the thread ends, so a C handle inside it needs no lock.
///
/// Jobs run one at a time in the order in which they were taken. The queue is bounded: a full
/// queue is an error for the caller, never growth. A running job is never interrupted; bound it
/// with the C library's own time-outs. Everything here may be called from any thread.
///
/// Dropping the last reference stops the thread as ``requestStop()`` does, without waiting.
package final class WorkerThread<State: ~Copyable>: Sendable {
    /// Jobs that may wait when the creator names no other bound.
    package static var defaultCapacity: Int { 256 }

    private let queue: JobQueue<State>
    /// The thread to join; nil once somebody has.
    private let handle: Mutex<pthread_t?>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: as shown by `ps -L` and `top -H`; the kernel keeps the first 15 bytes.
    ///   - capacity: jobs that may wait, at least 1; the running one is not counted.
    ///   - makeState: runs on the new thread before the first job.
    ///   - whenIdle: if given, runs again and again whenever no job waits: the thread's own
    ///     conversation, such as polling. It must block for a short while itself (it is what
    ///     paces the thread), and jobs and a stop wait until it returns.
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

    /// True from the first request to stop on. A job that loops for as long as the thread lives
    /// must look at this between its blocking calls.
    package var isStopping: Bool { queue.isStopping }

    /// Jobs that have not begun; a gauge, already old when it is read.
    package var waitingJobs: Int { queue.waiting }

    /// Queues a job without waiting for it. It is dropped unseen if the thread stops first.
    package func submit(
        _ job: @escaping @Sendable (inout State) -> Void
    ) throws(WorkerThreadError) {
        try queue.append(Job(run: job, refuse: {}))
    }

    /// Runs `body` on the thread and answers what it returned or threw.
    ///
    /// Cancelling the task does not take back a job that was queued.
    /// - Throws: what `body` throws, or ``WorkerThreadError``.
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

    /// Stops the thread and blocks until it has ended. Not to be called from a job or a task.
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
