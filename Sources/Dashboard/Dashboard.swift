package import Money
package import Reporting

/// The pages that people see, rendered from one report: pure functions from values to text, each
/// complete without JavaScript.
package enum Dashboard {
    /// How a page is laid out.
    package enum View: String, CaseIterable, Hashable, Sendable {
        case standard
        /// For a screen on a wall: no controls, large type.
        case tv
    }

    /// The dashboard as a whole HTML page; the report must have the base.
    package static func page(_ report: PublicReport, base: Currency, view: View) -> String {
        ""
    }

    /// The number alone as a HTML page, to be framed by other sites.
    package static func embed(_ report: PublicReport, base: Currency) -> String { "" }

    /// The number alone as an SVG picture.
    package static func badge(_ report: PublicReport, base: Currency) -> String { "" }

    /// What settled means, and every rule behind the number, as a HTML page.
    package static func methodology() -> String { "" }

    /// The page while nothing has been published yet.
    package static func waiting() -> String { "" }

    /// The oEmbed answer (JSON, type `rich`) for the embed of one base.
    /// - Parameter origin: scheme and authority of this site, such as `https://pay.example`.
    package static func oEmbed(origin: String, base: Currency) -> String { "" }

    /// Every file that the pages refer to, none of them a third party's.
    package static let assets: [Asset] = []

    /// Of `page`, `methodology` and `waiting`. `embed` has the same but may be framed by anyone.
    package static let contentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'"
    package static let embedContentSecurityPolicy = "default-src 'self'; frame-ancestors *"

    /// A file served beside the pages.
    package struct Asset: Hashable, Sendable {
        /// Its path, such as `/assets/dashboard.css`.
        package var path: String
        package var contentType: String
        package var bytes: [UInt8]

        package init(path: String, contentType: String, bytes: [UInt8]) {
            self.path = path
            self.contentType = contentType
            self.bytes = bytes
        }
    }
}
