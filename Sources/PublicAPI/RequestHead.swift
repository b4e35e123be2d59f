/// The parts of a request's line and header fields that an answer needs. Ranges refer to the bytes
/// from which it was read.
struct RequestHead {
    enum Method { case get, head, other }

    var method: Method
    var path: Range<Int>
    /// Without the question mark; nil if there is none.
    var query: Range<Int>?
    var isVersion10 = false
    /// The options of the field `Connection`.
    var asksToClose = false
    var asksToKeepAlive = false
    var codings = AcceptedCodings()
    var ifNoneMatch: Range<Int>?
    /// Further lines of the same field, which are rare.
    var otherIfNoneMatch: [Range<Int>] = []
    var lastEventID: Range<Int>?
    /// The host of the target if that is an absolute address, otherwise of the field `Host` (RFC
    /// 9112, section 3.2.2).
    var host: Range<Int>?
    var isHostOfTarget = false
    /// The length of the body; 0 if there is none.
    var bodyBytes = 0
    /// Whether a body of unknown length follows, or one that the client sends only on demand.
    var hasOpenBody = false

    /// Whether another request may follow on the connection.
    var keepsAlive: Bool {
        !asksToClose && !hasOpenBody && (!isVersion10 || asksToKeepAlive)
    }
}

/// Why a request is refused.
enum RequestRefusal: Error {
    case malformed
    case targetTooLong
    case headTooLarge
    case versionNotSupported
}

/// Size limits for a request.
struct RequestLimits: Sendable {
    /// The most bytes of the target.
    var targetBytesMax = 8 << 10
    /// The most bytes of one header field.
    var fieldBytesMax = 8 << 10
    /// The most bytes of all header fields.
    var fieldsBytesMax = 16 << 10
    var fieldsMax = 64
    /// After a request with a longer body, the connection ends with the answer.
    var bodyBytesMax = 64 << 10

    /// The most bytes of the line and the fields together.
    var headBytesMax: Int { targetBytesMax + fieldsBytesMax + 64 }
}
