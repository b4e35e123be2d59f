import Glibc
import Platform
import Synchronization
import Testing

@Suite struct WorkerThreadTests {
    @Test func `Jobs run one at a time, in order, on one thread with the asked name`() async throws
    {
        let worker = try WorkerThread<[Int]>(name: "order-of-jobs-and-more") { [] }
        for value in 0..<100 { try worker.submit { $0.append(value) } }
        #expect(try await worker.perform { $0 } == Array(0..<100))
        #expect(try await worker.perform { _ in threadName() } == "order-of-jobs-a")
        let threads = try await (
            worker.perform { _ in pthread_self() }, worker.perform { _ in pthread_self() }
        )
        #expect(threads.0 == threads.1)
        await worker.stop()
    }

    @Test func `A job's error reaches its caller`() async throws {
        struct Refusal: Error {}
        let worker = try WorkerThread<Void>(name: "refusal")
        await #expect(throws: Refusal.self) {
            try await worker.perform { _ in throw Refusal() }
        }
        #expect(try await worker.perform { _ in 7 } == 7)
        await worker.stop()
    }

    @Test func `A full queue refuses jobs until one has run`() async throws {
        let gate = Gate()
        let worker = try WorkerThread<Int>(name: "full", capacity: 2) { 0 }
        try worker.submit { _ in gate.enterAndWait() }
        gate.waitUntilEntered()
        try worker.submit { $0 += 1 }
        try worker.submit { $0 += 10 }
        #expect(throws: WorkerThreadError.overloaded(capacity: 2)) {
            try worker.submit { $0 += 100 }
        }
        await #expect(throws: WorkerThreadError.overloaded(capacity: 2)) {
            try await worker.perform { $0 += 1000 }
        }
        gate.open()
        while true {
            do {
                #expect(try await worker.perform { $0 } == 11)
                break
            } catch WorkerThreadError.overloaded { await Task.yield() }
        }
        await worker.stop()
    }

    @Test func `Stopping lets the running job finish and refuses waiting ones`() async throws {
        let gate = Gate()
        let ran = Mutex<[String]>([])
        let worker = try WorkerThread<Void>(name: "stop")
        try worker.submit { _ in
            gate.enterAndWait()
            ran.withLock { $0.append("running") }
        }
        gate.waitUntilEntered()
        try worker.submit { _ in ran.withLock { $0.append("waiting") } }
        let refused = Task { try await worker.perform { _ in } }
        while worker.waitingJobs < 2 { await Task.yield() }
        worker.requestStop()
        #expect(worker.isStopping)
        await #expect(throws: WorkerThreadError.stopped) { try await refused.value }
        #expect(throws: WorkerThreadError.stopped) { try worker.submit { _ in } }
        gate.open()
        await worker.stop()
        #expect(ran.withLock { $0 } == ["running"])
    }

    @Test func `The state lives and dies on the thread, before stop returns`() async throws {
        final class Witness {
            let log: @Sendable (pthread_t) -> Void
            init(log: @escaping @Sendable (pthread_t) -> Void) {
                self.log = log
                log(pthread_self())
            }
            deinit { log(pthread_self()) }
        }
        let seen = Seen()
        let worker = try WorkerThread<Witness>(name: "state") { Witness { seen.add($0) } }
        let thread = try await worker.perform { _ in pthread_self() }
        await worker.stop()
        #expect(seen.all == [thread, thread])
    }

    @Test func `No thread is left after stop, join, or the last reference is dropped`() async throws
    {
        let name = "left-\(UInt16.random(in: 0...9999))"
        let stopped = try WorkerThread<Void>(name: name)
        let joined = try WorkerThread<Void>(name: name)
        var dropped: WorkerThread<Void>? = try WorkerThread<Void>(name: name)
        for worker in [stopped, joined, dropped] { try await worker?.perform { _ in } }
        #expect(threads(named: name) == 3)
        await stopped.stop()
        await stopped.stop()
        joined.stopAndJoin()
        dropped = nil
        let deadline = ContinuousClock.now + .seconds(5)
        while threads(named: name) > 0, ContinuousClock.now < deadline { usleep(1000) }
        #expect(threads(named: name) == 0)
    }

    @Test func `An idle thread does its own work between jobs`() async throws {
        struct Count { var idle = 0, jobs = 0 }
        let worker = try WorkerThread<Count>(name: "idle") {
            Count()
        } whenIdle: {
            $0.idle += 1
            usleep(200)
        }
        for number in 1...5 {
            let deadline = ContinuousClock.now + .seconds(60)
            var idleBefore = 0
            repeat {
                idleBefore = try await worker.perform { $0.idle }
            } while idleBefore < number * 3 && ContinuousClock.now < deadline
            #expect(idleBefore >= number * 3)
            try worker.submit { $0.jobs += 1 }
        }
        #expect(try await worker.perform { $0.jobs } == 5)
        await worker.stop()
    }

    @Test func `Signals are not delivered to a worker thread`() async throws {
        let worker = try WorkerThread<Void>(name: "signals")
        let blocksTermination = try await worker.perform { _ in
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            return sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1
        }
        #expect(blocksTermination)
        await worker.stop()
    }
}

private final class Seen: Sendable {
    private let threads = Mutex<[pthread_t]>([])
    func add(_ thread: pthread_t) { threads.withLock { $0.append(thread) } }
    var all: [pthread_t] { threads.withLock { $0 } }
}

/// Holds a job until the test opens it.
private final class Gate: Sendable {
    private let entered = Atomic(false)
    private let opened = Atomic(false)

    func enterAndWait() {
        entered.store(true, ordering: .releasing)
        while !opened.load(ordering: .acquiring) { usleep(200) }
    }

    func waitUntilEntered() {
        while !entered.load(ordering: .acquiring) { usleep(200) }
    }

    func open() { opened.store(true, ordering: .releasing) }
}

private func threadName() -> String { firstLine(of: "/proc/thread-self/comm") }

private func threads(named name: String) -> Int {
    guard let folder = opendir("/proc/self/task") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
        let thread = withUnsafeBytes(of: entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if firstLine(of: "/proc/self/task/\(thread)/comm") == name { count += 1 }
    }
    return count
}

private func firstLine(of path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 64)
    let length = read(file, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, length)).prefix { $0 != 10 }, as: UTF8.self)
}
