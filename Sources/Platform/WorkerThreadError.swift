/// Why a worker thread did not accept or run a job.
package enum WorkerThreadError: Error, Equatable, CustomStringConvertible {
    /// The queue is full; try again later or drop the work.
    case overloaded(capacity: Int)
    /// The thread was asked to stop before the job began; the job has had no effect.
    case stopped
    /// The operating system could not create a thread; its error number.
    case cannotStart(errorNumber: Int32)

    package var description: String {
        switch self {
        case .overloaded(let capacity): "worker thread has \(capacity) jobs waiting"
        case .stopped: "worker thread is stopped"
        case .cannotStart(let errorNumber): "cannot start a thread: error \(errorNumber)"
        }
    }
}
