import Glibc

/// The memory of processes on this machine.
enum ResidentMemory {
    /// The resident memory of all given processes together; ended ones count as 0.
    static func kibibytes(of pids: [Int32]) -> Int {
        pids.reduce(0) { $0 + kibibytes(of: $1) }
    }

    private static func kibibytes(of pid: Int32) -> Int {
        guard let file = fopen("/proc/\(pid)/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = String(
            decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE)) / 1_024
    }
}
