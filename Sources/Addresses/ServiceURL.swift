/// The root of an HTTP service: `http://host:port` or `https://host:port`, with optional port.
///
/// The contract defines the paths that are appended. User names, queries and fragments are not
/// allowed; secrets are read from files.
package struct ServiceURL: Hashable, Sendable, CustomStringConvertible {
    /// Whether it is `https`.
    package var isSecure: Bool
    /// The port is the scheme's default if the text has none.
    package var address: HostPort

    package init(isSecure: Bool, address: HostPort) {
        self.isSecure = isSecure
        self.address = address
    }

    /// Nil if `text` is not such a URL. Drops one slash at the end.
    package init?(_ text: String) {
        let scheme: String
        if text.hasPrefix("https://") {
            scheme = "https://"
        } else if text.hasPrefix("http://") {
            scheme = "http://"
        } else {
            return nil
        }
        isSecure = scheme == "https://"
        var rest = text.dropFirst(scheme.count)
        if rest.last == "/" { rest.removeLast() }
        if let address = HostPort(String(rest)) {
            self.address = address
        } else if let host = HostPort.host(rest) {
            address = HostPort(host: host, port: isSecure ? 443 : 80)
        } else {
            return nil
        }
    }

    /// Scheme and authority as browsers write them: without the scheme's default port.
    package var origin: String {
        guard address.port == (isSecure ? 443 : 80) else { return description }
        return String(description.prefix(description.count - ":\(address.port)".count))
    }

    /// Without a slash at the end.
    package var description: String { "\(isSecure ? "https" : "http")://\(address)" }
}
