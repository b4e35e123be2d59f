package import Money
package import Publishing

/// The pages that people see, rendered from one report: pure functions from values to text, each
/// complete without JavaScript.
package enum Dashboard {
    /// How a page is laid out.
    package enum View: String, CaseIterable, Hashable, Sendable {
        case standard
        /// For a screen on a wall: no controls, large type.
        case tv
    }

    /// The dashboard as a whole HTML page. The report must have the base; without it the page is
    /// `waiting()`.
    /// - Parameter origin: scheme and authority of this site where they are known, such as
    ///   `https://pay.example`: what search engines and embedding sites are told is then absolute.
    package static func page(
        _ report: PublicReport, base: Currency, view: View, origin: String? = nil
    ) -> String {
        guard let figures = report.base(base) else { return waiting() }
        return DashboardPage(report: report, base: figures, view: view, origin: origin ?? "")
            .render()
    }

    /// The number alone as a HTML page, to be framed by other sites. As `page`, it needs the base.
    package static func embed(_ report: PublicReport, base: Currency) -> String {
        guard let figures = report.base(base) else { return waiting() }
        return EmbedPage(report: report, base: figures).render()
    }

    /// The number alone as an SVG picture that needs nothing else; a dash where the report lacks
    /// the base.
    package static func badge(_ report: PublicReport, base: Currency) -> String {
        Badge(report: report, base: base).render()
    }

    /// What settled means, and every rule behind the number, as a HTML page.
    package static func methodology() -> String { MethodologyPage().render() }

    /// The page while nothing has been published yet.
    package static func waiting() -> String { WaitingPage().render() }

    /// The oEmbed answer (JSON, type `rich`) for the embed of one base.
    /// - Parameter origin: scheme and authority of this site, such as `https://pay.example`.
    package static func oEmbed(origin: String, base: Currency) -> String {
        OEmbed(origin: origin, base: base).render()
    }

    /// Of `page`, `methodology` and `waiting`: everything from this site, nothing inline, framed
    /// by nobody. `embed` has the same but may be framed by anyone.
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
