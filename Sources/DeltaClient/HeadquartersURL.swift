internal import CCurl
internal import Glibc

/// HQ's address, taken apart by the parser that will also use it, so that both see one host.
struct HeadquartersURL: Sendable {
    /// Scheme, host and port, without a slash at the end.
    let origin: String
    let isPlain: Bool

    init(_ text: String, allowsPlainHTTP: Bool) throws(DeltaClientError) {
        guard let url = curl_url() else { throw DeltaClientError("url: out of memory") }
        defer { curl_url_cleanup(url) }
        guard curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = Self.part(url, CURLUPART_SCHEME),
            let host = Self.part(url, CURLUPART_HOST), !host.isEmpty
        else { throw DeltaClientError("url: expected http(s)://host:port") }
        guard scheme == "http" || scheme == "https" else {
            throw DeltaClientError("url: expected the scheme http or https")
        }
        let others = [
            CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT,
        ]
        guard others.allSatisfy({ Self.part(url, $0) == nil }),
            Self.part(url, CURLUPART_PATH) == "/"
        else { throw DeltaClientError("url: expected nothing after the port") }
        isPlain = scheme == "http"
        guard !isPlain || allowsPlainHTTP || Self.isLoopback(host) else {
            throw DeltaClientError("url: expected https, since the host is not this machine")
        }
        let port = Self.part(url, CURLUPART_PORT).map { ":\($0)" } ?? ""
        origin = "\(scheme)://\(host)\(port)"
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
