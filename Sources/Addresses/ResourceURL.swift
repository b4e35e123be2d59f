/// One document on an HTTP server: `https://host/path?query`, with optional port, path and query.
///
/// User names and fragments are not allowed; secrets are read from files.
package struct ResourceURL: Hashable, Sendable, CustomStringConvertible {
    /// Scheme, host and port.
    package var service: ServiceURL
    /// The path with its query; at least a slash.
    package var path: String

    /// The most bytes of a path with its query.
    private static let maximumPathBytes = 1_024

    /// Nil if `text` is not such a URL.
    package init?(_ text: String) {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        let rest = text[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard let service = ServiceURL(String(text[..<end])) else { return nil }
        let path = rest[end...]
        guard path.utf8.count <= Self.maximumPathBytes,
            path.utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        self.service = service
        self.path = path.hasPrefix("/") ? String(path) : "/\(path)"
    }

    /// Whether the byte is a visible ASCII character that a URL may contain unescaped, except `#`.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && !"\"#<>\\^`{|}".utf8.contains(byte)
    }

    /// Whether the query has this parameter.
    package func hasParameter(_ name: String) -> Bool {
        guard let query = path.firstIndex(of: "?") else { return false }
        return path[query...].dropFirst().split(separator: "&").contains {
            $0 == name || $0.hasPrefix("\(name)=")
        }
    }

    /// The text that `init` reads, with the port even if it is the scheme's default.
    package var description: String { "\(service)\(path)" }
}
