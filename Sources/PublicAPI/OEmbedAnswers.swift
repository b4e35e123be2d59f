internal import Dashboard
internal import HTTPListener
internal import HTTPTypes
internal import Money

/// Answers how other sites can embed a page (oembed.com, version 1.0).
struct OEmbedAnswers: Sendable {
    let bases: BaseCurrencies
    /// Scheme and authority of this site; nil if unknown. An address is then ours if its authority
    /// is the one to which the request was sent.
    let publicOrigin: String?

    /// Valid sizes of an embed, in pixels.
    private static let sizes = 1...100_000

    /// - Parameter host: the request's `Host`.
    /// - Throws: `Problem`: 400 for an invalid query, 404 for an address that is not one of our
    ///   pages, 501 for the format XML.
    func answer(
        _ parameters: QueryParameters, host: String, _ rendered: RenderedReport?
    ) throws(Problem) -> PreparedResponse {
        guard let url = parameters["url"] else {
            throw .invalidQuery("The parameter url is missing.")
        }
        for name in ["maxwidth", "maxheight"] {
            guard let text = parameters[name] else { continue }
            guard let number = Int(text), Self.sizes.contains(number),
                ("1"..."9").contains(text.first ?? "0")
            else { throw .invalidQuery("\(name) must be a whole number from 1 to 100000.") }
        }
        if let format = parameters["format"], format != "json" {
            guard format == "xml" else { throw .invalidQuery("format must be json.") }
            throw Problem(
                .notImplemented, kind: "format-not-implemented", title: "Format not implemented",
                detail: "The only supported format is json.")
        }
        guard let (origin, base) = page(url, host: host, rendered) else {
            throw Problem(
                .notFound, kind: "nothing-to-embed", title: "Nothing to embed",
                detail: "The address is not a page of this site that can be embedded.")
        }
        return PreparedResponse(
            contentType: "application/json", fields: ResponseFields.steady + ResponseFields.api,
            body: Dashboard.oEmbed(origin: origin, base: base), isRevalidated: true)
    }

    /// The site and the base of a page's address; nil if the page is not ours.
    private func page(
        _ url: String, host: String, _ rendered: RenderedReport?
    ) -> (origin: String, base: Currency)? {
        let address = url.prefix { $0 != "#" }
        guard let scheme = ["https://", "http://"].first(where: address.hasPrefix) else {
            return nil
        }
        let rest = address.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, authority.utf8.allSatisfy(HTTPSyntax.isInAuthority) else {
            return nil
        }
        let origin = scheme + authority
        guard publicOrigin.map({ $0 == origin }) ?? (authority == host) else { return nil }
        let target = rest.dropFirst(authority.count)
        let path = target.prefix { $0 != "?" }
        guard ["", "/", "/embed"].contains(path) else { return nil }
        let query = target.dropFirst(path.count).dropFirst()
        guard
            let parameters = try? QueryParameters(
                String(query), allowed: Resource.page.parameters, ignoresOthers: true),
            let base = try? bases.base(parameters["base_currency"], rendered)
        else { return nil }
        return (origin, base)
    }
}
