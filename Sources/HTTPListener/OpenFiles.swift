internal import Glibc

/// The limit of open files, and its division among connections of regions and of viewers.
package enum OpenFiles {
    /// Raises the soft limit to the hard limit. The soft limit is low only for old programs that
    /// use `select`; the hard one is the operator's choice.
    /// - Returns: the limit in force; nil if it cannot be read.
    package static func raiseLimit() -> Int? {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        var hard = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
        if limit.rlim_cur < limit.rlim_max, setrlimit(resource, &hard) == 0 { limit = hard }
        return Int(clamping: limit.rlim_cur)
    }

    /// Files reserved for everything except connections of clients, but at most half of all.
    private static let othersMax = 192
    /// Regions get one in this many of the rest: they are few but must always be able to connect.
    private static let ingestShare = 8

    /// The number of connections for regions.
    package static func ingestConnections(of limit: Int) -> Int {
        max(8, (limit - min(othersMax, limit / 2)) / ingestShare)
    }

    /// The number of connections for viewers.
    package static func publicConnections(of limit: Int) -> Int {
        max(1, limit - min(othersMax, limit / 2) - ingestConnections(of: limit))
    }
}
