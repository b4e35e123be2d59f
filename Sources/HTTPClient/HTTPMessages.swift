/// One request to a server.
package struct HTTPRequest: Sendable {
    /// Path and query.
    package var path: String
    /// Whole lines, as `Accept: text/plain`. They may hold secrets and are never logged. No line
    /// breaks: libcurl would send them as they are.
    package var headers: [String]
    /// Sent by POST; nil means GET.
    package var body: [UInt8]?
    /// Whether 304, which has no body, may answer it.
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

/// One answer that came in whole.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// The value of Content-Type; empty where there was none.
    package var contentType: String
    /// From Retry-After, in either of its forms; at most a day.
    package var retryAfter: Duration?
    /// What a later conditional request may send back: the values of ETag and Last-Modified, at
    /// most 256 printable characters of ASCII; nil where there was no such value.
    package var entityTag: String?
    package var lastModified: String?
    /// The value of Content-Encoding, bounded as the tags: the body is as it was sent. Nil where
    /// there was no such value.
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

/// An exchange's two endings.
package enum HTTPOutcome: Sendable {
    case response(HTTPResponse)
    case problem(HTTPProblem)
}
