package import Money
package import Publishing

/// The pages for people, rendered from one report by pure functions. Each page is complete without
/// JavaScript.
package enum Dashboard {
    /// The layout of a page.
    package enum View: String, CaseIterable, Hashable, Sendable {
        case standard
        /// For a wall screen: no controls, large type.
        case tv
    }

    /// The dashboard as a complete HTML page; `waiting()` if the report lacks the base.
    /// - Parameter origin: scheme and authority of this site if known, such as
    ///   `https://pay.example`; links for search engines and embedding sites are then absolute.
    package static func page(
        _ report: PublicReport, base: Currency, view: View, origin: String? = nil
    ) -> String {
        guard let figures = report.base(base) else { return waiting() }
        return DashboardPage(report: report, base: figures, view: view, origin: origin ?? "")
            .render()
    }

    /// The number alone as an HTML page that other sites can frame; `waiting()` if the report lacks
    /// the base.
    package static func embed(_ report: PublicReport, base: Currency) -> String {
        guard let figures = report.base(base) else { return waiting() }
        return EmbedPage(report: report, base: figures).render()
    }

    /// The number alone as a self-contained SVG picture; a dash if the report lacks the base.
    package static func badge(_ report: PublicReport, base: Currency) -> String {
        Badge(report: report, base: base).render()
    }

    /// An HTML page that explains settled transfers and every rule behind the number.
    package static func methodology() -> String { MethodologyPage().render() }

    /// The page before the first total is published.
    package static func waiting() -> String { WaitingPage().render() }

    /// The oEmbed answer (JSON, type `rich`) for the embed of one base.
    /// - Parameter origin: scheme and authority of this site, such as `https://pay.example`.
    package static func oEmbed(origin: String, base: Currency) -> String {
        OEmbed(origin: origin, base: base).render()
    }

    /// For `page`, `methodology` and `waiting`: allows only this site's files, nothing inline and
    /// no framing. The policy of `embed` allows framing by any site.
    package static let contentSecurityPolicy = policy(frameAncestors: "'none'")
    package static let embedContentSecurityPolicy = policy(frameAncestors: "*")

    private static func policy(frameAncestors: StaticString) -> String {
        """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
        connect-src 'self'; base-uri 'none'; form-action 'none'; \
        frame-ancestors \(frameAncestors)
        """
    }
}
