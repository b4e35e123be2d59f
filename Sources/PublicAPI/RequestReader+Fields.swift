extension RequestReader {
    /// What must be known of the fields together.
    struct FieldsSeen {
        var count = 0
        var hosts = 0
        var hasLength = false
        var hasTransferEncoding = false
    }

    /// Takes in one field. The length of its name tells almost all of them apart.
    func note(
        _ bytes: UnsafeRawBufferPointer, _ name: Range<Int>, _ value: Range<Int>,
        _ head: inout RequestHead, _ seen: inout FieldsSeen
    ) throws(RequestRefusal) {
        switch name.count {
        case 4 where HTTPSyntax.equals(bytes, name, "host"):
            guard bytes[value].allSatisfy(HTTPSyntax.isInAuthority) else { throw .malformed }
            seen.hosts += 1
            head.host = value
        case 6 where HTTPSyntax.equals(bytes, name, "expect"):
            head.hasOpenBody = true
        case 10 where HTTPSyntax.equals(bytes, name, "connection"):
            HTTPSyntax.forEachElement(bytes, value) { element in
                if HTTPSyntax.equals(bytes, element, "close") { head.asksToClose = true }
                if HTTPSyntax.equals(bytes, element, "keep-alive") { head.asksToKeepAlive = true }
            }
        case 13 where HTTPSyntax.equals(bytes, name, "if-none-match"):
            // A second one is not looked at: the answer is then whole, which is always right.
            if head.ifNoneMatch == nil { head.ifNoneMatch = value }
        case 13 where HTTPSyntax.equals(bytes, name, "last-event-id"):
            if head.lastEventID == nil { head.lastEventID = value }
        case 14 where HTTPSyntax.equals(bytes, name, "content-length"):
            guard !seen.hasLength else { throw .malformed }
            seen.hasLength = true
            try noteLength(bytes, value, &head)
        case 15 where HTTPSyntax.equals(bytes, name, "accept-encoding"):
            HTTPSyntax.forEachElement(bytes, value) { element in
                if Self.acceptsGzip(bytes, element) { head.acceptsGzip = true }
            }
        case 17 where HTTPSyntax.equals(bytes, name, "transfer-encoding"):
            guard HTTPSyntax.equals(bytes, value, "chunked"), !seen.hasTransferEncoding else {
                throw .malformed
            }
            seen.hasTransferEncoding = true
            head.hasOpenBody = true
        default:
            break
        }
    }

    /// What RFC 9112 asks of the fields together.
    func check(_ head: RequestHead, _ seen: FieldsSeen) throws(RequestRefusal) {
        guard seen.hosts == 1 || (head.isVersion10 && seen.hosts == 0) else { throw .malformed }
        if seen.hasTransferEncoding, seen.hasLength || head.isVersion10 { throw .malformed }
    }

    private func noteLength(
        _ bytes: UnsafeRawBufferPointer, _ value: Range<Int>, _ head: inout RequestHead
    ) throws(RequestRefusal) {
        guard !value.isEmpty, value.count <= 18 else { throw .malformed }
        var length = 0
        for byte in bytes[value] {
            guard byte &- 0x30 <= 9 else { throw .malformed }
            length = length * 10 + Int(byte - 0x30)
        }
        head.bodyBytes = length
        if length > limits.bodyBytesMax { head.hasOpenBody = true }
    }

    /// Whether an element of `Accept-Encoding` lets us send gzip.
    private static func acceptsGzip(
        _ bytes: UnsafeRawBufferPointer, _ element: Range<Int>
    ) -> Bool {
        var end = element.lowerBound
        while end < element.upperBound, bytes[end] != UInt8(ascii: ";") { end += 1 }
        let coding = HTTPSyntax.trimmed(bytes, element.lowerBound..<end)
        guard HTTPSyntax.equals(bytes, coding, "gzip") || HTTPSyntax.equals(bytes, coding, "*")
        else { return false }
        guard end < element.upperBound else { return true }
        // A weight of zero, `q=0` with any number of zeros after the point, refuses it.
        let weight = HTTPSyntax.trimmed(bytes, (end + 1)..<element.upperBound)
        let digits = min(weight.lowerBound + 2, weight.upperBound)
        return HTTPSyntax.equals(bytes, weight.lowerBound..<digits, "q=")
            && bytes[digits..<weight.upperBound].contains { (0x31...0x39).contains($0) }
    }
}
