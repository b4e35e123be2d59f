internal import HTTPListener
internal import HTTPTypes
internal import NIOCore

extension PreparedResponse {
    /// An error answer as RFC 9457 wants it, with the fields of every public answer.
    convenience init(_ problem: Problem) {
        guard let status = ResponseStatus(rawValue: problem.status.code) else {
            preconditionFailure("a problem has a status that is never answered: \(problem.status)")
        }
        let json = """
            {"type":"/problems/\(problem.kind)","title":\(JSONText.quoted(problem.title)),\
            "status":\(status.rawValue),"detail":\(JSONText.quoted(problem.detail))}

            """
        var fields = ResponseFields.uncached
        for field in problem.headers { fields += "\(field.name): \(field.value)\r\n" }
        if problem.headers[.retryAfter] != nil { fields += ResponseFields.exposesRetryAfter }
        self.init(
            status, contentType: "application/problem+json", fields: fields + ResponseFields.api,
            body: json, isRevalidated: false)
    }
}

/// The problems of the public interface that depend on nothing but the interface.
struct PublicProblems: Sendable {
    let notFound = PreparedResponse(.notFound)
    let methodNotAllowed = PreparedResponse(.methodNotAllowed(allowed: "GET, HEAD"))
    let nothingYet: PreparedResponse
    let full: PreparedResponse
    let noRate: PreparedResponse
    let malformed = PreparedResponse(
        Problem(
            .badRequest, kind: "malformed-request", title: "Malformed request",
            detail: "What came is not a request of HTTP/1.1."))
    let targetTooLong = PreparedResponse(
        Problem(
            .uriTooLong, kind: "target-too-long", title: "Target too long",
            detail: "A path and its query have at most 8 KiB."))
    let headTooLarge = PreparedResponse(
        Problem(
            .requestHeaderFieldsTooLarge, kind: "head-too-large", title: "Header too large",
            detail: "A request has at most 64 header fields of 8 KiB each, 16 KiB in all."))
    let headTooSlow = PreparedResponse(
        Problem(
            .requestTimeout, kind: "request-too-slow", title: "Request too slow",
            detail: "A request's header did not come in time."))
    let versionNotSupported = PreparedResponse(
        Problem(
            .httpVersionNotSupported, kind: "version-not-supported", title: "Not HTTP/1",
            detail: "HTTP/1.1 and HTTP/1.0 are spoken here."))

    init(retryAfterSeconds: Int) {
        nothingYet = PreparedResponse(
            .unavailable(
                "Nothing has been published yet.", retryAfterSeconds: retryAfterSeconds))
        noRate = PreparedResponse(
            .unavailable(
                "There is no exchange rate of this base currency now.",
                retryAfterSeconds: retryAfterSeconds))
        full = PreparedResponse(
            .unavailable(
                "All connections are taken.", retryAfterSeconds: retryAfterSeconds))
    }

    /// Why what came is not answered.
    subscript(refusal: RequestRefusal) -> PreparedResponse {
        switch refusal {
        case .malformed: malformed
        case .targetTooLong: targetTooLong
        case .headTooLarge: headTooLarge
        case .versionNotSupported: versionNotSupported
        }
    }
}
