internal import Money

/// The addresses of the pages and of the public interface.
enum Website {
    static let name = "Tributary"
    static let heading = "Money moved in the last 24 hours"
    static let methodology = "/methodology"
    static let description = "/openapi.json"

    /// How often a page reloads itself without JavaScript, in seconds.
    static let reloadSeconds = 30

    static func page(_ base: Currency, view: Dashboard.View = .standard) -> String {
        "/?base_currency=\(base.code)" + (view == .tv ? "&view=tv" : "")
    }

    static func embed(_ base: Currency) -> String { "/embed?base_currency=\(base.code)" }
    static func badge(_ base: Currency) -> String { "/badge.svg?base_currency=\(base.code)" }

    static func total(_ base: Currency) -> String { metric("24h", base) }
    static func breakdown(_ base: Currency) -> String { metric("24h/breakdown", base) }
    static func series(_ base: Currency) -> String { metric("24h/series", base) }
    static func stream(_ base: Currency) -> String { metric("stream", base) }

    /// The text as a value in a query: escapes everything except letters and digits.
    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(Unicode.Scalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }

    private static func metric(_ path: String, _ base: Currency) -> String {
        "/v1/metrics/money-moved/\(path)?base_currency=\(base.code)"
    }
}

extension Markup {
    /// The common beginning of every page's head.
    /// - Parameter reload: whether the page changes and must reload itself without a script.
    mutating func head(
        title: String, description: String, reload: Bool,
        _ rest: (inout Markup) -> Void = { _ in }
    ) {
        element("head") { head in
            head.empty("meta", ["charset": "utf-8"])
            head.element("title", text: title)
            head.empty(
                "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
            head.empty("meta", ["name": "description", "content": description])
            head.empty("meta", ["name": "color-scheme", "content": "light dark"])
            head.empty(
                "meta",
                [
                    "name": "theme-color", "content": "#f6f8f7",
                    "media": "(prefers-color-scheme: light)",
                ])
            head.empty(
                "meta",
                [
                    "name": "theme-color", "content": "#0a1213",
                    "media": "(prefers-color-scheme: dark)",
                ])
            head.empty(
                "link",
                ["rel": "icon", "type": "image/svg+xml", "href": Dashboard.icon.path])
            head.empty("link", ["rel": "stylesheet", "href": Dashboard.styleSheet.path])
            rest(&head)
            guard reload else { return }
            head.element("script", ["src": Dashboard.script.path, "defer": ""]) { _ in }
            head.element("noscript") {
                $0.empty(
                    "meta", ["http-equiv": "refresh", "content": "\(Website.reloadSeconds)"])
            }
        }
    }

    /// The logo: two streams that join a third.
    mutating func mark() {
        element(
            "svg",
            [
                "class": "mark", "viewBox": "0 0 32 32", "width": "28", "height": "28",
                "aria-hidden": "true",
            ]
        ) {
            $0.empty("path", ["class": "stream", "d": "M5 4c0 8 11 7 11 15v9"])
            $0.empty("path", ["class": "stream", "d": "M27 4c0 8-11 7-11 15"])
            $0.empty("path", ["class": "stream", "d": "M16 4v15"])
        }
    }

    /// Text for screen readers only.
    mutating func spoken(_ text: String) {
        element("span", ["class": "spoken"], text: text)
    }
}
