package import HTTPTypes
internal import HummingbirdCore

/// What a request asks for, taken apart but not decoded.
package struct RequestTarget: Sendable {
    package let path: String
    /// Without the question mark; nil where there is none.
    package let query: String?

    package init(_ request: HTTPRequest) {
        let uri = URI(request.path ?? "")
        path = uri.path
        query = uri.query
    }
}
