/// One request to a server.
package struct HTTPRequest: Sendable {
    /// Path and query.
    package var path: String
    /// Complete lines such as `Accept: text/plain`. They may contain secrets and are never logged.
    /// They must not contain line breaks, because libcurl would send those unchanged.
    package var headers: [String]
    /// Sent by POST; nil means GET.
    package var body: [UInt8]?
    /// Whether 304, which has no body, is a valid answer.
    package var isConditional: Bool

    package init(
        path: String, headers: [String] = [], body: [UInt8]? = nil, isConditional: Bool = false
    ) {
        self.path = path
        self.headers = headers
        self.body = body
        self.isConditional = isConditional
    }
}

/// One complete answer.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// The value of Content-Type; empty if there was none.
    package var contentType: String
    /// From Retry-After, in either of its forms; at most a day.
    package var retryAfter: Duration?
    /// The values of ETag and Last-Modified for a later conditional request, at most 256 printable
    /// ASCII characters; nil if there was no such value.
    package var entityTag: String?
    package var lastModified: String?
    /// The value of Content-Encoding, with the same limit; nil if there was none. The body is not
    /// decoded.
    package var contentCoding: String?
    package var body: [UInt8]

    package init(
        status: Int, contentType: String, retryAfter: Duration? = nil, entityTag: String? = nil,
        lastModified: String? = nil, contentCoding: String? = nil, body: [UInt8]
    ) {
        self.status = status
        self.contentType = contentType
        self.retryAfter = retryAfter
        self.entityTag = entityTag
        self.lastModified = lastModified
        self.contentCoding = contentCoding
        self.body = body
    }
}

/// The outcome of an exchange.
package enum HTTPOutcome: Sendable {
    case response(HTTPResponse)
    case problem(HTTPProblem)
}
