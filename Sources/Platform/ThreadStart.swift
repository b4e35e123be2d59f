import Glibc

/// The longest thread name that the kernel keeps, without its terminating zero.
private let threadNameBytesMax = 15

/// The parameters of a new thread, passed through the C interface.
private final class ThreadBody {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

/// Starts a joinable thread that runs `body` once, with every signal blocked, so that signals go to
/// the threads that wait for them.
func startThread(
    name: String, _ body: @escaping @Sendable () -> Void
) throws(WorkerThreadError) -> pthread_t {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    // A thread inherits its creator's mask, so signals are blocked from its first instruction.
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

    var thread = pthread_t()
    let context = Unmanaged.passRetained(ThreadBody(name: name, run: body))
    let errorNumber = pthread_create(&thread, nil, threadMain, context.toOpaque())
    guard errorNumber == 0 else {
        context.release()
        throw .cannotStart(errorNumber: errorNumber)
    }
    return thread
}

private func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let body = Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
    nameCallingThread(body.name)
    body.run()
    return nil
}

/// Names the calling thread for `ps -L`. If the kernel refuses, the thread stays unnamed.
private func nameCallingThread(_ name: String) {
    // The C function for this is a GNU extension that the Glibc module does not declare.
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var short = name
    while short.utf8.count > threadNameBytesMax { short.removeLast() }
    _ = short.withCString { write(file, $0, strlen($0)) }
}
