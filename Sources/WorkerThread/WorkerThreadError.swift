/// Why a worker thread did not take or run a job.
package enum WorkerThreadError: Error, Equatable, CustomStringConvertible {
    /// The queue already holds as many jobs as it may; try again later or drop the work.
    case overloaded(capacity: Int)
    /// The thread was asked to stop before the job began; the job has had no effect.
    case stopped
    /// The operating system refused a thread, with its error number.
    case cannotStart(errorNumber: Int32)

    package var description: String {
        switch self {
        case .overloaded(let capacity): "worker thread has \(capacity) jobs waiting"
        case .stopped: "worker thread is stopped"
        case .cannotStart(let errorNumber): "no thread could be started: error \(errorNumber)"
        }
    }
}
