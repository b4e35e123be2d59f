/// A request's line and header fields, as far as answering needs them. Ranges are of the bytes it
/// was read from, and mean nothing without them.
struct RequestHead {
    enum Method { case get, head, other }

    var method: Method
    var path: Range<Int>
    /// Without the question mark; nil where there is none.
    var query: Range<Int>?
    var isVersion10 = false
    /// What `Connection` says, where it says it.
    var asksToClose = false
    var asksToKeepAlive = false
    var codings = AcceptedCodings()
    var ifNoneMatch: Range<Int>?
    /// Further lines of the same field, which are rare.
    var otherIfNoneMatch: [Range<Int>] = []
    var lastEventID: Range<Int>?
    /// The host of the target if it is an absolute address, else of the field `Host` (RFC 9112,
    /// section 3.2.2).
    var host: Range<Int>?
    var isHostOfTarget = false
    /// How long its body is; 0 where it has none.
    var bodyBytes = 0
    /// A body of unknown length follows, or one that is only sent if we ask for it.
    var hasOpenBody = false

    /// Whether a further request may come on the connection.
    var keepsAlive: Bool {
        !asksToClose && !hasOpenBody && (!isVersion10 || asksToKeepAlive)
    }
}

/// Why bytes are not a request that is answered.
enum RequestRefusal: Error {
    case malformed
    case targetTooLong
    case headTooLarge
    case versionNotSupported
}

/// Bounds of what is read of a request.
struct RequestLimits: Sendable {
    /// Of the request's target.
    var targetBytesMax = 8 << 10
    /// Of one header field.
    var fieldBytesMax = 8 << 10
    /// Of all header fields.
    var fieldsBytesMax = 16 << 10
    var fieldsMax = 64
    /// A longer body is not waited for: the connection ends after the answer.
    var bodyBytesMax = 64 << 10

    /// Of the line and the fields together.
    var headBytesMax: Int { targetBytesMax + fieldsBytesMax + 64 }
}
