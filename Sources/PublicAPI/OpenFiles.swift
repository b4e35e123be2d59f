internal import Glibc

/// The limit of open files, which bounds the connections.
enum OpenFiles {
    /// Raises the limit as far as the process may without rights of its own: the soft limit is
    /// small for the sake of old programs, and the hard one is what an operator has set.
    /// - Returns: the limit from now on; nil where it cannot be told.
    static func raiseLimit() -> Int? {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        var hard = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
        if limit.rlim_cur < limit.rlim_max, setrlimit(resource, &hard) == 0 { limit = hard }
        return Int(clamping: limit.rlim_cur)
    }
}
