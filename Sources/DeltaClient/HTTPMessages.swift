/// One request to HQ.
struct HTTPRequest: Sendable {
    /// Path and query.
    var path: String
    /// Sent by POST as Protocol Buffers; nil means GET.
    var body: [UInt8]?
}

/// One answer that came in whole.
struct HTTPResponse: Sendable {
    var status: Int
    /// The value of Content-Type; empty where there was none.
    var contentType: String
    /// From Retry-After, in either of its forms.
    var retryAfter: Duration?
    var body: [UInt8]
}

/// A connection's two endings.
enum HTTPOutcome: Sendable {
    case response(HTTPResponse)
    case problem(DeliveryProblem)
}
