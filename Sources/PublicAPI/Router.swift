internal import Dashboard
internal import HTTPListener
internal import Money
internal import Publishing

/// Finds the answer to a request. Renders only problems, and answers that no earlier request needed
/// of the report. Immutable: all threads share one.
struct Router: Sendable {
    enum Answer {
        case response(PreparedResponse)
        /// The live stream of one base.
        case stream(BaseAnswers)
    }

    let problems: PublicProblems
    private let paths: PathTable
    private let documents: [PreparedResponse]
    private let alive = PreparedResponse(
        contentType: "text/plain; charset=utf-8",
        fields: ResponseFields.uncached + ResponseFields.api, body: "ok\n", isRevalidated: false)
    private let waitingPage: PreparedResponse
    private let waitingEmbed: PreparedResponse
    private let oEmbed: OEmbedAnswers
    private let bases: BaseCurrencies

    init(bases: BaseCurrencies, publicOrigin: String?) {
        self.bases = bases
        problems = PublicProblems(retryAfterSeconds: PublicAPI.retryAfterSeconds)
        waitingPage = Self.waiting(ResponseFields.page)
        waitingEmbed = Self.waiting(ResponseFields.embed)
        oEmbed = OEmbedAnswers(bases: bases, publicOrigin: publicOrigin)
        let documents = Self.documents
        self.documents = documents.map(\.response)
        paths = PathTable(
            PublicAPI.livePaths
                + documents.enumerated().map {
                    (path: $1.path, resource: .document($0, isPage: $1.isPage))
                })
    }

    /// - Parameters:
    ///   - bytes: the bytes from which `head` was read.
    ///   - rendered: nil before the first one.
    func answer(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, _ rendered: RenderedReport?
    ) -> Answer {
        let path = UnsafeRawBufferPointer(rebasing: bytes[head.path])
        guard let resource = paths.resource(at: path) ?? Self.rateSet(at: path) else {
            return .response(problems.notFound)
        }
        guard head.method != .other else { return .response(problems.methodNotAllowed) }
        do throws(Problem) {
            return try answer(resource, head, bytes, rendered)
        } catch {
            return .response(PreparedResponse(error))
        }
    }

    private func answer(
        _ resource: Resource, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer,
        _ rendered: RenderedReport?
    ) throws(Problem) -> Answer {
        let query = head.query.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
        // Answers the most common request without creating a string.
        if resource == .total, let base = bases.quickly(query),
            let answers = rendered?.answers(in: base)
        {
            return .response(answers.total)
        }
        let text = query.map { String(decoding: $0, as: UTF8.self) }
        let parameters = try QueryParameters(
            text, allowed: resource.parameters, ignoresOthers: resource.ignoresOtherParameters)
        switch resource {
        case .document(let place, _): return .response(documents[place])
        case .live: return .response(alive)
        case .ready: return .response(rendered == nil ? problems.nothingYet : alive)
        case .oEmbed:
            let host = head.host.map { String(decoding: bytes[$0], as: UTF8.self) }
            return .response(try oEmbed.answer(parameters, host: host ?? "", rendered))
        case .latestRates, .rateSet:
            guard let shelf = rendered?.rateSets else { return .response(problems.nothingYet) }
            guard resource == .rateSet else {
                return .response(shelf.latest ?? problems.noRates)
            }
            let path = bytes[head.path].dropFirst(PublicAPI.rateSetPrefix.utf8.count)
            return .response(
                shelf.answer(id: String(decoding: path, as: UTF8.self)) ?? problems.noSuchRates)
        default: break
        }
        let base = try bases.base(parameters["base_currency"], rendered)
        let view = try Self.view(parameters["view"])
        guard let answers = rendered?.answers(in: base) else {
            return .response(missing(resource, rendered))
        }
        switch resource {
        case .breakdown: return .response(answers.breakdown)
        case .series: return .response(answers.series)
        case .stream: return .stream(answers)
        case .page: return .response(answers.page(view))
        case .embed: return .response(answers.embed)
        case .badge: return .response(answers.badge)
        default: return .response(answers.total)
        }
    }

    /// Whether the path has the form of a rate set's path; the set may not exist.
    private static func rateSet(at path: UnsafeRawBufferPointer) -> Resource? {
        let prefix = PublicAPI.rateSetPrefix.utf8
        return path.count > prefix.count && path.starts(with: prefix) ? .rateSet : nil
    }

    /// The answer for a valid base that the report does not have.
    private func missing(_ resource: Resource, _ rendered: RenderedReport?) -> PreparedResponse {
        guard rendered == nil else { return problems.noRate }
        return switch resource {
        case .page: waitingPage
        case .embed: waitingEmbed
        default: problems.nothingYet
        }
    }

    private static func view(_ text: String?) throws(Problem) -> Dashboard.View {
        guard let text else { return .standard }
        guard text == Dashboard.View.tv.rawValue else {
            throw .invalidQuery("view must be tv or absent.")
        }
        return .tv
    }

    private static func waiting(_ fields: String) -> PreparedResponse {
        PreparedResponse(
            .serviceUnavailable, contentType: "text/html; charset=utf-8",
            fields: ResponseFields.retryAfter(seconds: PublicAPI.retryAfterSeconds)
                + ResponseFields.uncached + fields,
            body: Dashboard.waiting(), isRevalidated: false)
    }
}

extension Router {
    /// The documents that never change while the process runs.
    private static var documents: [(path: String, isPage: Bool, response: PreparedResponse)] {
        var documents = [
            (
                path: "/openapi.json", isPage: false,
                response: PreparedResponse(
                    contentType: "application/json",
                    fields: ResponseFields.steady + ResponseFields.api,
                    body: PackageResources.openapi_json, isRevalidated: true)
            ),
            (
                path: "/methodology", isPage: true,
                response: PreparedResponse(
                    contentType: "text/html; charset=utf-8",
                    fields: ResponseFields.steady + ResponseFields.page,
                    body: Dashboard.methodology(), isRevalidated: true)
            ),
        ]
        for asset in Dashboard.assets {
            let caching =
                isNamedByContent(asset.path) ? ResponseFields.immutable : ResponseFields.steady
            documents.append(
                (
                    path: asset.path, isPage: false,
                    response: PreparedResponse(
                        contentType: asset.contentType, fields: caching + ResponseFields.api,
                        body: asset.bytes, isRevalidated: true)
                ))
        }
        return documents
    }

    /// Whether the file's name contains a hash, as in `dashboard-0123abcd.css`. Only then may
    /// caches keep it forever.
    private static func isNamedByContent(_ path: String) -> Bool {
        path.split { $0 == "-" || $0 == "." || $0 == "/" }.contains { part in
            part.utf8.count >= 8 && part.utf8.contains { (0x30...0x39).contains($0) }
                && part.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
                }
        }
    }
}
