internal import Dashboard

/// Header fields that several answers share, each with its line end.
enum ResponseFields {
    /// For every answer: any page may read it, and browsers must not guess its type. The proxy that
    /// terminates TLS sets HSTS.
    static let everywhere = """
        Access-Control-Allow-Origin: *\r
        X-Content-Type-Options: nosniff\r
        Referrer-Policy: no-referrer\r

        """

    /// For answers to programs: they must not be framed or run anything.
    static let api = everywhere + policy("default-src 'none'; frame-ancestors 'none'")

    /// For pages. A window of another site that opened the page cannot access it.
    static let page =
        everywhere + policy(Dashboard.contentSecurityPolicy)
        + "Cross-Origin-Opener-Policy: same-origin\r\n"

    /// For the page that other sites frame.
    static let embed = everywhere + policy(Dashboard.embedContentSecurityPolicy)

    /// For the badge: allows its inline style, and any site may show it.
    static let picture =
        everywhere
        + policy("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
        + "Cross-Origin-Resource-Policy: cross-origin\r\n"

    /// Shared caches may keep the answer for a second, and serve it stale while they revalidate it
    /// or cannot reach us.
    static let live = cache("public, max-age=1, stale-while-revalidate=30, stale-if-error=600")
    /// For answers that change only with a release.
    static let steady = cache("public, max-age=300, stale-while-revalidate=3600")
    /// For files that never change under the same name.
    static let immutable = cache("public, max-age=31536000, immutable")
    static let uncached = cache("no-store")

    static func retryAfter(seconds: Int) -> String {
        "Retry-After: \(seconds)\r\n" + exposesRetryAfter
    }

    /// Allows scripts of other sites to read `Retry-After`.
    static let exposesRetryAfter = "Access-Control-Expose-Headers: Retry-After\r\n"

    static func cache(_ value: String) -> String { "Cache-Control: \(value)\r\n" }

    private static func policy(_ value: String) -> String {
        "Content-Security-Policy: \(value)\r\n"
    }
}
