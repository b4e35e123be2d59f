package import HTTPTypes
internal import HummingbirdCore

/// The parts of a request's target, not decoded.
package struct RequestTarget: Sendable {
    package let path: String
    /// Without the question mark; nil if there is none.
    package let query: String?

    package init(_ request: HTTPRequest) {
        let uri = URI(request.path ?? "")
        path = uri.path
        query = uri.query
    }
}
