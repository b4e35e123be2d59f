import Glibc

/// Longest thread name the kernel keeps, without its closing zero.
private let threadNameBytesMax = 15

/// What a new thread needs, carried through the C interface.
private final class ThreadBody {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

/// Starts a joinable thread that runs `body` once, with every signal blocked: signals belong to
/// the threads that wait for them.
func startThread(
    name: String, _ body: @escaping @Sendable () -> Void
) throws(WorkerThreadError) -> pthread_t {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    // A thread inherits the mask of its creator, so there is no moment at which it is open.
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

/// Names the calling thread for `ps -L`. A kernel that refuses costs us the name, nothing else.
private func nameCallingThread(_ name: String) {
    // The C function for this is a GNU extension that the Glibc module does not declare.
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var short = name
    while short.utf8.count > threadNameBytesMax { short.removeLast() }
    _ = short.withCString { write(file, $0, strlen($0)) }
}
