extension RequestReader {
    /// Facts for the checks that concern several fields.
    struct FieldsSeen {
        var count = 0
        var hosts = 0
        var hasLength = false
        var hasTransferEncoding = false
    }

    /// Processes one field. The length of the name distinguishes almost all fields.
    func note(
        _ bytes: UnsafeRawBufferPointer, _ name: Range<Int>, _ value: Range<Int>,
        _ head: inout RequestHead, _ seen: inout FieldsSeen
    ) throws(RequestRefusal) {
        switch name.count {
        case 4 where HTTPSyntax.equals(bytes, name, "host"):
            guard bytes[value].allSatisfy(HTTPSyntax.isInAuthority) else { throw .malformed }
            seen.hosts += 1
            if !head.isHostOfTarget { head.host = value }
        case 6 where HTTPSyntax.equals(bytes, name, "expect"):
            head.hasOpenBody = true
        case 10 where HTTPSyntax.equals(bytes, name, "connection"):
            HTTPSyntax.forEachElement(bytes, value) { element in
                if HTTPSyntax.equals(bytes, element, "close") { head.asksToClose = true }
                if HTTPSyntax.equals(bytes, element, "keep-alive") { head.asksToKeepAlive = true }
            }
        case 13 where HTTPSyntax.equals(bytes, name, "if-none-match"):
            if head.ifNoneMatch == nil {
                head.ifNoneMatch = value
            } else {
                head.otherIfNoneMatch.append(value)
            }
        case 13 where HTTPSyntax.equals(bytes, name, "last-event-id"):
            if head.lastEventID == nil { head.lastEventID = value }
        case 14 where HTTPSyntax.equals(bytes, name, "content-length"):
            guard !seen.hasLength else { throw .malformed }
            seen.hasLength = true
            try noteLength(bytes, value, &head)
        case 15 where HTTPSyntax.equals(bytes, name, "accept-encoding"):
            head.codings.note(bytes, value)
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

    /// Checks the rules of RFC 9112 that concern several fields.
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
}
