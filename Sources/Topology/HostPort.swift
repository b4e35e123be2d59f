/// Where a listener binds or a plain connection goes: a host and a TCP port.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address; an IPv6 address stands without its brackets.
    package var host: String
    /// 1 to 65535.
    package var port: Int

    /// The most bytes of a host: the limit of DNS.
    static let maximumHostBytes = 253

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[address]:port`; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = Self.port(text[text.index(after: colon)...]),
            let host = Self.host(text[..<colon])
        else { return nil }
        self.init(host: host, port: port)
    }

    /// 1 to 65535 in decimal digits without leading zeros.
    static func port(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.first != "0",
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), number <= 65_535
        else { return nil }
        return number
    }

    /// A name of letters, digits, `.`, `-` and `_`, or an IPv6 address in brackets.
    static func host(_ text: Substring) -> String? {
        guard (1...maximumHostBytes).contains(text.utf8.count) else { return nil }
        if text.first == "[", text.last == "]" {
            let inner = text.dropFirst().dropLast()
            let isAddress = inner.utf8.allSatisfy { byte in
                byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
                    || (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
            }
            return isAddress && inner.contains(":") ? String(inner) : nil
        }
        let isName = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        return isName ? String(text) : nil
    }

    /// Whether only this machine can reach it, as far as the text tells: `localhost`, `::1` and
    /// the addresses of 127.0.0.0/8.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { $0 &- 0x30 <= 9 }
                    && (Int(part) ?? 256) <= 255
            }
    }

    /// As it is read.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
