/// Where a listener binds or a plain connection goes: a host and a TCP port.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address; an IPv6 address has no brackets.
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

    /// A name, an IPv4 address, or an IPv6 address in brackets.
    static func host(_ text: Substring) -> String? {
        guard (1...maximumHostBytes).contains(text.utf8.count) else { return nil }
        if text.first == "[", text.last == "]" {
            let inner = text.dropFirst().dropLast()
            return isIPv6(inner) ? String(inner) : nil
        }
        return isIPv4(text) || isName(text) ? String(text) : nil
    }

    /// Labels of letters, digits, `-` and `_`, separated by dots, with an optional final dot. The
    /// last label must not be a number, because resolvers take `22` and `10.9` for IPv4 addresses.
    private static func isName(_ text: Substring) -> Bool {
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.last == "" { labels.removeLast() }
        guard let last = labels.last, !isNumber(last) else { return false }
        return labels.allSatisfy { label in
            (1...maximumLabelBytes).contains(label.utf8.count)
                && label.utf8.allSatisfy { byte in
                    isDigit(byte) || (0x61...0x7A).contains(byte | 0x20)
                        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                }
        }
    }

    /// The longest label that DNS allows, in bytes.
    private static let maximumLabelBytes = 63

    /// Whether resolvers read the label as a number, decimal or hexadecimal after `0x`.
    private static func isNumber(_ label: Substring) -> Bool {
        if label.hasPrefix("0x") || label.hasPrefix("0X") {
            return label.utf8.dropFirst(2).allSatisfy(isHexadecimalDigit)
        }
        return label.utf8.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    /// Four numbers up to 255. Leading zeros are refused, because some parsers read them as octal.
    private static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy(isDigit)
                    && (part == "0" || part.first != "0") && (Int(part) ?? 256) <= 255
            }
    }

    /// Eight groups of hexadecimal digits, or fewer around one `::` (RFC 4291, section 2.2).
    private static func isIPv6(_ text: Substring) -> Bool {
        guard let gap = text.firstRange(of: "::") else { return groups(text) == 8 }
        guard let before = groups(text[..<gap.lowerBound], endsInIPv4: false),
            let after = groups(text[gap.upperBound...])
        else { return false }
        return before + after <= 7
    }

    /// The number of 16-bit groups in a part of an IPv6 address; nil if it is malformed.
    private static func groups(_ text: Substring, endsInIPv4: Bool = true) -> Int? {
        guard !text.isEmpty else { return 0 }
        let pieces = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = pieces.count
        for (place, piece) in pieces.enumerated() {
            if endsInIPv4, place == pieces.count - 1, isIPv4(piece) {
                count += 1
            } else if !(1...4).contains(piece.utf8.count)
                || !piece.utf8.allSatisfy(isHexadecimalDigit)
            {
                return nil
            }
        }
        return count
    }

    /// Whether the text is a loopback address: `localhost`, `::1` or an address of 127.0.0.0/8.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        return host.hasPrefix("127.") && Self.isIPv4(host[...])
    }

    /// The text that `init` reads.
    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
