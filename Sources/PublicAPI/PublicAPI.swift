package import HTTPListener
package import HTTPTypes
package import Hummingbird
package import Logging
package import Money
internal import NIOCore
package import Topology

/// The public interface: GET and HEAD, answered from the published snapshot alone. Nothing is
/// computed for a request, and no request reaches the store.
package struct PublicAPI: Sendable {
    package static let totalPath = "/v1/metrics/money-moved/24h"
    /// When to come again before the first snapshot.
    package static let retryAfterSeconds = 2
    /// Half of the files that a process may commonly have open.
    package static let connectionsMax = 10_000

    /// The currencies that may be asked for.
    private let bases: Set<Currency>
    private let defaultBase: Currency
    private let published: PublishedSnapshot

    /// - Parameter bases: those of the topology, `defaultBase` among them. One that the snapshot
    ///   lacks has no rate now.
    package init(
        bases: some Sequence<Currency>, defaultBase: Currency, published: PublishedSnapshot
    ) {
        self.bases = Set(bases)
        self.defaultBase = defaultBase
        self.published = published
    }

    /// A listener of this interface.
    package func listener(
        on address: HostPort, logger: Logger,
        onListening: @escaping @Sendable (HostPort) async -> Void
    ) -> Listener {
        Listener(
            configuration: .init(address: address, connectionsMax: Self.connectionsMax),
            logger: logger, onListening: onListening
        ) { request in answer(request.head) }
    }

    /// Answers one request; a body is never looked at.
    package func answer(_ request: HTTPRequest) -> Response {
        let target = RequestTarget(request)
        do throws(Problem) {
            switch target.path {
            case Self.totalPath:
                try checkMethod(request)
                return try total(target.query, request)
            case "/livez":
                try checkMethod(request)
                return Self.plain("ok\n")
            case "/readyz":
                try checkMethod(request)
                guard published.current != nil else { throw Self.nothingYet }
                return Self.plain("ok\n")
            default:
                throw .notFound
            }
        } catch {
            var response = error.response
            response.headers.append(
                contentsOf: PublicHeaders.all.filter {
                    !response.headers.contains($0.name)
                })
            return response
        }
    }
}

extension PublicAPI {
    private func checkMethod(_ request: HTTPRequest) throws(Problem) {
        guard request.method == .get || request.method == .head else {
            throw .methodNotAllowed(allowed: "GET, HEAD")
        }
    }

    private func total(_ query: String?, _ request: HTTPRequest) throws(Problem) -> Response {
        let parameters = try QueryParameters(query, allowed: ["base_currency"])
        let base = try base(parameters["base_currency"])
        guard let snapshot = published.current else { throw Self.nothingYet }
        guard let rendering = snapshot[base] else {
            throw Problem(
                .badRequest, kind: "no-rate", title: "No rate",
                detail: "There is no exchange rate of this base currency now.")
        }
        if let condition = request.headerFields[.ifNoneMatch],
            Self.matches(rendering.entityTag, condition)
        {
            var headers = rendering.headers
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        }
        return Response(
            status: .ok, headers: rendering.headers,
            body: ResponseBody(byteBuffer: rendering.body))
    }

    private func base(_ code: String?) throws(Problem) -> Currency {
        guard let code else { return defaultBase }
        guard let currency = Currency(code: code), bases.contains(currency) else {
            let codes = bases.sorted().map(\.code).joined(separator: ", ")
            throw Problem(
                .badRequest, kind: "unknown-currency", title: "Unknown base currency",
                detail: "base_currency is one of \(codes), in upper case.")
        }
        return currency
    }

    /// Whether `If-None-Match` names the tag; weak and strong tags compare alike (RFC 9110,
    /// section 13.1.2).
    private static func matches(_ tag: String, _ condition: String) -> Bool {
        condition.split(separator: ",").contains { part in
            var candidate = part.drop { $0 == " " || $0 == "\t" }
            while let last = candidate.last, last == " " || last == "\t" {
                candidate.removeLast()
            }
            if candidate == "*" { return true }
            if candidate.hasPrefix("W/") { candidate = candidate.dropFirst(2) }
            return candidate == tag
        }
    }

    private static let nothingYet = Problem.unavailable(
        "Nothing has been published yet.", retryAfterSeconds: retryAfterSeconds)

    private static func plain(_ text: String) -> Response {
        var headers = PublicHeaders.all
        headers[.contentType] = "text/plain; charset=utf-8"
        headers[.cacheControl] = "no-store"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
