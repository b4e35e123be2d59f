internal import Dashboard

/// Header fields of answers that share them, as they are sent: each with the end of its line.
enum ResponseFields {
    /// Of every answer: any page may read it, none may sniff it. HSTS is left to the proxy that
    /// terminates TLS.
    static let everywhere = """
        Access-Control-Allow-Origin: *\r
        X-Content-Type-Options: nosniff\r
        Referrer-Policy: no-referrer\r

        """

    /// Of answers for programs: none may be framed, or run anything.
    static let api = everywhere + policy("default-src 'none'; frame-ancestors 'none'")

    /// Of pages. Another site's window that opened one does not reach into it.
    static let page =
        everywhere + policy(Dashboard.contentSecurityPolicy)
        + "Cross-Origin-Opener-Policy: same-origin\r\n"

    /// Of the page that others frame.
    static let embed = everywhere + policy(Dashboard.embedContentSecurityPolicy)

    /// Of the picture: its own inline style, and any site may show it.
    static let picture =
        everywhere
        + policy("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
        + "Cross-Origin-Resource-Policy: cross-origin\r\n"

    /// Shared caches may keep the answer a second, and serve it stale while they ask again or
    /// cannot reach us.
    static let live = cache("public, max-age=1, stale-while-revalidate=30, stale-if-error=600")
    /// What changes with a release only.
    static let steady = cache("public, max-age=300, stale-while-revalidate=3600")
    /// What never changes under its name.
    static let immutable = cache("public, max-age=31536000, immutable")
    static let uncached = cache("no-store")

    static func retryAfter(seconds: Int) -> String {
        "Retry-After: \(seconds)\r\n" + exposesRetryAfter
    }

    /// Lets scripts of other sites read `Retry-After`.
    static let exposesRetryAfter = "Access-Control-Expose-Headers: Retry-After\r\n"

    static func cache(_ value: String) -> String { "Cache-Control: \(value)\r\n" }

    private static func policy(_ value: String) -> String {
        "Content-Security-Policy: \(value)\r\n"
    }
}
