package import HTTPTypes
package import Hummingbird
internal import NIOCore

/// An error answer in the format of RFC 9457: `application/problem+json`.
///
/// Its texts never repeat anything that a client sent.
package struct Problem: Error, Hashable, Sendable {
    package var status: HTTPResponse.Status
    /// Names the kind of problem: the last part of its `type`, `/problems/{kind}`.
    package var kind: String
    /// The kind in words; the same for every occurrence.
    package var title: String
    /// A description of this occurrence.
    package var detail: String
    /// Header fields in addition to those of every problem.
    package var headers: HTTPFields

    package init(
        _ status: HTTPResponse.Status, kind: String, title: String, detail: String,
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.headers = headers
    }

    package var response: Response {
        let json = """
            {"type":"/problems/\(kind)","title":\(JSONText.quoted(title)),\
            "status":\(status.code),"detail":\(JSONText.quoted(detail))}

            """
        var fields = headers
        fields[.contentType] = "application/problem+json"
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        return Response(
            status: status, headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(string: json)))
    }
}

extension Problem {
    package static let notFound = Problem(
        .notFound, kind: "not-found", title: "Not found", detail: "This path does not exist.")

    /// `allowed` is the value of the header field `Allow`.
    package static func methodNotAllowed(allowed: String) -> Problem {
        Problem(
            .methodNotAllowed, kind: "method-not-allowed", title: "Method not allowed",
            detail: "This path supports only \(allowed).", headers: [.allow: allowed])
    }

    package static func invalidQuery(_ detail: String) -> Problem {
        Problem(.badRequest, kind: "invalid-query", title: "Invalid query", detail: detail)
    }

    /// The resource is temporarily unavailable; the client may retry after `retryAfterSeconds`.
    package static func unavailable(_ detail: String, retryAfterSeconds: Int) -> Problem {
        Problem(
            .serviceUnavailable, kind: "unavailable", title: "Temporarily unavailable",
            detail: detail, headers: [.retryAfter: "\(retryAfterSeconds)"])
    }

    package static let internalError = Problem(
        .internalServerError, kind: "internal", title: "Internal error",
        detail: "The request could not be answered; the cause is in the server's log.")
}

/// Text as a JSON string.
package enum JSONText {
    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted.unicodeScalars.append("\\")
                quoted.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default:
                quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
