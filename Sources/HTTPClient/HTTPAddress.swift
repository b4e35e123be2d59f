internal import CCurl
internal import Glibc

/// A server's address and a path on it. libcurl parses it, so that the checks and the request see
/// the same host.
package struct HTTPAddress: Hashable, Sendable {
    /// Scheme, host and port, without a slash at the end.
    package let origin: String
    /// Path and query; at least a slash.
    package let path: String
    /// Whether the scheme is `http`.
    package let isPlain: Bool
    /// Whether the host is this machine.
    package let isLoopback: Bool

    package init(_ text: String) throws(MalformedAddress) {
        guard let url = curl_url() else { throw .malformed }
        defer { curl_url_cleanup(url) }
        guard curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = Self.part(url, CURLUPART_SCHEME),
            let host = Self.part(url, CURLUPART_HOST), !host.isEmpty,
            let path = Self.part(url, CURLUPART_PATH)
        else { throw .malformed }
        guard scheme == "http" || scheme == "https" else { throw .scheme }
        let extras = [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_FRAGMENT]
        guard extras.allSatisfy({ Self.part(url, $0) == nil }) else { throw .extras }
        let port = Self.part(url, CURLUPART_PORT).map { ":\($0)" } ?? ""
        let query = Self.part(url, CURLUPART_QUERY).map { "?\($0)" } ?? ""
        origin = "\(scheme)://\(host)\(port)"
        self.path = path + query
        isPlain = scheme == "http"
        isLoopback = Self.isLoopback(host)
    }

    private static func part(_ url: OpaquePointer, _ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1
            && UInt32(bigEndian: address.s_addr) >> 24 == 127
    }
}

/// Why a text is no such address.
package enum MalformedAddress: Error {
    /// Not a URL with a host.
    case malformed
    /// Another scheme than http or https.
    case scheme
    /// A user name, a password or a fragment.
    case extras
}
