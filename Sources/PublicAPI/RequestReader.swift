internal import Glibc

/// Parses the head of a request strictly. It refuses everything that RFC 9112 lets a server repair,
/// so that a proxy in front cannot have parsed the request differently. Lines must end with CRLF,
/// fields must not be folded, and a length must be unique and plain.
struct RequestReader {
    enum Outcome {
        /// More bytes are needed.
        case incomplete
        /// The head is the first `length` bytes.
        case complete(RequestHead, length: Int)
        case refused(RequestRefusal)
    }

    let limits: RequestLimits

    /// Looks for a complete head at the beginning of `bytes`.
    /// - Parameter searched: the number of bytes that earlier calls have searched; 0 for the first.
    ///   So a head that arrives byte by byte costs no more than one in one piece.
    func read(_ bytes: UnsafeRawBufferPointer, searched: inout Int) -> Outcome {
        guard let first = bytes.first else { return .incomplete }
        guard HTTPSyntax.isToken(first) else { return .refused(.malformed) }
        do throws(RequestRefusal) {
            guard let length = try headLength(bytes, searched: &searched) else {
                guard bytes.count <= limits.headBytesMax else { throw excess(bytes) }
                return .incomplete
            }
            guard length <= limits.headBytesMax else { throw excess(bytes) }
            searched = 0
            return .complete(try parse(bytes, length: length), length: length)
        } catch {
            return .refused(error)
        }
    }

    /// The length of the head with the empty line that ends it; nil if that has not arrived.
    private func headLength(
        _ bytes: UnsafeRawBufferPointer, searched: inout Int
    ) throws(RequestRefusal) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        while searched < bytes.count,
            let found = memchr(base + searched, Int32(HTTPSyntax.lineFeed), bytes.count - searched)
        {
            let at = UnsafeRawPointer(found) - base
            guard at > 0, bytes[at - 1] == HTTPSyntax.carriageReturn else { throw .malformed }
            searched = at + 1
            if at >= 3, bytes[at - 2] == HTTPSyntax.lineFeed { return at + 1 }
        }
        searched = bytes.count
        return nil
    }

    /// Which part of an oversized head is too large.
    private func excess(_ bytes: UnsafeRawBufferPointer) -> RequestRefusal {
        bytes.prefix(limits.targetBytesMax).contains(HTTPSyntax.lineFeed)
            ? .headTooLarge : .targetTooLong
    }

    private func parse(
        _ bytes: UnsafeRawBufferPointer, length: Int
    ) throws(RequestRefusal) -> RequestHead {
        var at = 0
        var head = try requestLine(bytes, at: &at)
        let fieldsStart = at
        // The last line is empty.
        let end = length - 2
        var fields = FieldsSeen()
        while at < end {
            guard fields.count < limits.fieldsMax else { throw .headTooLarge }
            fields.count += 1
            let start = at
            while HTTPSyntax.isToken(bytes[at]) { at += 1 }
            guard at > start, bytes[at] == UInt8(ascii: ":") else { throw .malformed }
            let name = start..<at
            at += 1
            let valueStart = at
            while HTTPSyntax.isInValue(bytes[at]) { at += 1 }
            guard bytes[at] == HTTPSyntax.carriageReturn,
                bytes[at + 1] == HTTPSyntax.lineFeed
            else { throw .malformed }
            guard at - start <= limits.fieldBytesMax else { throw .headTooLarge }
            try note(
                bytes, name, HTTPSyntax.trimmed(bytes, valueStart..<at), &head, &fields)
            at += 2
        }
        guard end - fieldsStart <= limits.fieldsBytesMax else { throw .headTooLarge }
        try check(head, fields)
        return head
    }

    /// `METHOD SP target SP HTTP/1.x CRLF`.
    private func requestLine(
        _ bytes: UnsafeRawBufferPointer, at: inout Int
    ) throws(RequestRefusal) -> RequestHead {
        while HTTPSyntax.isToken(bytes[at]) { at += 1 }
        let method = 0..<at
        guard !method.isEmpty, bytes[at] == HTTPSyntax.space else { throw .malformed }
        at += 1
        let start = at
        while HTTPSyntax.isInTarget(bytes[at]) { at += 1 }
        let target = start..<at
        guard !target.isEmpty, bytes[at] == HTTPSyntax.space else { throw .malformed }
        guard target.count <= limits.targetBytesMax else { throw .targetTooLong }
        at += 1
        let minor = try version(bytes, at: &at)

        let place = try place(bytes, target, isOfConnect: names(bytes, method, "CONNECT"))
        var head = RequestHead(method: .other, path: place.path, query: place.query)
        head.host = place.host
        head.isHostOfTarget = place.host != nil
        if names(bytes, method, "GET") { head.method = .get }
        if names(bytes, method, "HEAD") { head.method = .head }
        head.isVersion10 = minor == 0
        return head
    }

    /// Method names are case-sensitive.
    private func names(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ method: StaticString
    ) -> Bool {
        guard range.count == method.utf8CodeUnitCount else { return false }
        for index in 0..<range.count
        where bytes[range.lowerBound + index] != method.utf8Start[index] {
            return false
        }
        return true
    }

    /// The minor version; leaves `at` after the end of the line.
    private func version(
        _ bytes: UnsafeRawBufferPointer, at: inout Int
    ) throws(RequestRefusal) -> Int {
        let name: StaticString = "HTTP/"
        for index in 0..<name.utf8CodeUnitCount {
            guard bytes[at] == name.utf8Start[index] else { throw .malformed }
            at += 1
        }
        let major = bytes[at] &- 0x30
        guard major <= 9, bytes[at + 1] == UInt8(ascii: ".") else { throw .malformed }
        let minor = bytes[at + 2] &- 0x30
        guard minor <= 9, bytes[at + 3] == HTTPSyntax.carriageReturn,
            bytes[at + 4] == HTTPSyntax.lineFeed
        else { throw .malformed }
        guard major == 1 else { throw .versionNotSupported }
        at += 5
        return Int(minor)
    }

    /// The parts of a request target.
    private struct Place {
        var host: Range<Int>?
        var path: Range<Int>
        var query: Range<Int>?
    }

    /// Parses a target: `/path?query`, or an absolute address, as clients send it to proxies. `*`
    /// and the authority of CONNECT become a path that does not exist.
    private func place(
        _ bytes: UnsafeRawBufferPointer, _ target: Range<Int>, isOfConnect: Bool
    ) throws(RequestRefusal) -> Place {
        var start = target.lowerBound
        var host: Range<Int>?
        if bytes[start] != UInt8(ascii: "/") {
            if isOfConnect || (target.count == 1 && bytes[start] == UInt8(ascii: "*")) {
                return Place(path: target)
            }
            start = try authorityStart(bytes, target)
            let authority = start
            while start < target.upperBound, HTTPSyntax.isInAuthority(bytes[start]) { start += 1 }
            guard start > authority else { throw .malformed }
            host = authority..<start
        }
        var mark = start
        while mark < target.upperBound, bytes[mark] != UInt8(ascii: "?") { mark += 1 }
        var path = start..<mark
        if let host, path.isEmpty {
            // An address without a path means the root. The last slash of `http://` serves as `/`.
            path = (host.lowerBound - 1)..<host.lowerBound
        }
        guard bytes[path.lowerBound] == UInt8(ascii: "/") else { throw .malformed }
        return Place(
            host: host, path: path,
            query: mark < target.upperBound ? (mark + 1)..<target.upperBound : nil)
    }

    /// The start of the authority in an absolute address.
    private func authorityStart(
        _ bytes: UnsafeRawBufferPointer, _ target: Range<Int>
    ) throws(RequestRefusal) -> Int {
        for scheme: StaticString in ["http://", "https://"] {
            let end = target.lowerBound + scheme.utf8CodeUnitCount
            if end <= target.upperBound, HTTPSyntax.equals(bytes, target.lowerBound..<end, scheme) {
                return end
            }
        }
        throw .malformed
    }
}
