internal import Glibc

/// The limit of open files, which bounds the connections, and how it is divided.
package enum OpenFiles {
    /// Raises the limit as far as the process may without rights of its own: the soft limit is
    /// small for the sake of old programs, and the hard one is what an operator has set.
    /// - Returns: the limit from now on; nil where it cannot be told.
    package static func raiseLimit() -> Int? {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        var hard = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
        if limit.rlim_cur < limit.rlim_max, setrlimit(resource, &hard) == 0 { limit = hard }
        return Int(clamping: limit.rlim_cur)
    }

    /// Files for all but connections of clients; half of them where there are few.
    private static let othersMax = 192
    /// Of the rest, regions get one in so many: they are few, but must always get through.
    private static let ingestShare = 8

    /// Connections of regions that the limit leaves room for.
    package static func ingestConnections(of limit: Int) -> Int {
        max(8, (limit - min(othersMax, limit / 2)) / ingestShare)
    }

    /// Connections of viewers that the limit leaves room for beside them.
    package static func publicConnections(of limit: Int) -> Int {
        max(1, limit - min(othersMax, limit / 2) - ingestConnections(of: limit))
    }
}
