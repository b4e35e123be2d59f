import Glibc

/// Counts and times of one run. All times are taken on the measuring thread.
struct Measurement {
    private(set) var records = 0
    private(set) var bytes = 0
    private var begin: Clocks?
    private var end: Clocks?

    /// Starts the clocks; later calls have no effect.
    mutating func startIfNeeded() { if begin == nil { begin = Clocks() } }

    mutating func add(records: Int, bytes: Int) {
        self.records += records
        self.bytes += bytes
    }

    mutating func stop() { end = Clocks() }

    /// `records=… bytes=… seconds=… per_second=… process_cpu_us=… thread_cpu_us=…`, the last two
    /// per record.
    var line: String {
        guard let begin, let end, records > 0 else { return "records=0" }
        let wall = end.wall - begin.wall
        let each = 1e6 / Double(records)
        return "records=\(records) bytes=\(bytes) seconds=\(rounded(wall, 3))"
            + " per_second=\(Int(Double(records) / wall))"
            + " process_cpu_us=\(rounded((end.process - begin.process) * each, 4))"
            + " thread_cpu_us=\(rounded((end.thread - begin.thread) * each, 4))"
    }

    private func rounded(_ value: Double, _ digits: Int) -> Double {
        let scale = pow(10, Double(digits))
        return (value * scale).rounded() / scale
    }
}

/// Seconds on three clocks at one moment.
private struct Clocks {
    let wall = seconds(CLOCK_MONOTONIC)
    let process = seconds(CLOCK_PROCESS_CPUTIME_ID)
    let thread = seconds(CLOCK_THREAD_CPUTIME_ID)

    private static func seconds(_ clock: clockid_t) -> Double {
        var now = timespec()
        clock_gettime(clock, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
