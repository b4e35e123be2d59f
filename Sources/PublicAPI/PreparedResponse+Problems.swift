internal import HTTPListener
internal import HTTPTypes
internal import NIOCore

extension PreparedResponse {
    /// An error answer in the format of RFC 9457, with the fields of every public answer.
    convenience init(_ problem: Problem) {
        guard let status = ResponseStatus(rawValue: problem.status.code) else {
            preconditionFailure("a problem's status must be a ResponseStatus: \(problem.status)")
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

/// The problems of the public interface that do not depend on a report.
struct PublicProblems: Sendable {
    let notFound = PreparedResponse(.notFound)
    let noSuchRates = PreparedResponse(
        Problem(
            .notFound, kind: "unknown-rate-set", title: "Unknown rate set",
            detail: "No rate set with this id is kept. The latest one is /v1/rates/latest."))
    let methodNotAllowed = PreparedResponse(.methodNotAllowed(allowed: "GET, HEAD"))
    let nothingYet: PreparedResponse
    let full: PreparedResponse
    let noRate: PreparedResponse
    let noRates: PreparedResponse
    let malformed = PreparedResponse(
        Problem(
            .badRequest, kind: "malformed-request", title: "Malformed request",
            detail: "The request is not valid HTTP/1.1."))
    let targetTooLong = PreparedResponse(
        Problem(
            .uriTooLong, kind: "target-too-long", title: "Target too long",
            detail: "A path and its query can have at most 8 KiB."))
    let headTooLarge = PreparedResponse(
        Problem(
            .requestHeaderFieldsTooLarge, kind: "head-too-large", title: "Header too large",
            detail: "A request can have at most 64 header fields of 8 KiB each, 16 KiB in all."))
    let headTooSlow = PreparedResponse(
        Problem(
            .requestTimeout, kind: "request-too-slow", title: "Request too slow",
            detail: "The request header did not arrive in time."))
    let versionNotSupported = PreparedResponse(
        Problem(
            .httpVersionNotSupported, kind: "version-not-supported", title: "Not HTTP/1",
            detail: "This server supports HTTP/1.1 and HTTP/1.0."))

    init(retryAfterSeconds: Int) {
        nothingYet = PreparedResponse(
            .unavailable(
                "Nothing has been published yet.", retryAfterSeconds: retryAfterSeconds))
        noRate = PreparedResponse(
            .unavailable(
                "There is currently no exchange rate for this base currency.",
                retryAfterSeconds: retryAfterSeconds))
        noRates = PreparedResponse(
            .unavailable(
                "There are no exchange rates yet.", retryAfterSeconds: retryAfterSeconds))
        full = PreparedResponse(
            .unavailable(
                "All connections are in use.", retryAfterSeconds: retryAfterSeconds))
    }

    /// The answer to a refused request.
    subscript(refusal: RequestRefusal) -> PreparedResponse {
        switch refusal {
        case .malformed: malformed
        case .targetTooLong: targetTooLong
        case .headTooLarge: headTooLarge
        case .versionNotSupported: versionNotSupported
        }
    }
}
