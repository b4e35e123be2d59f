internal import Money

/// The answer of an oEmbed provider (oembed.com, version 1.0), type `rich`.
struct OEmbed {
    let origin: String
    let base: Currency

    private static let width = 480
    private static let height = 200
    /// How long a consumer may keep the answer, in seconds; the frame updates itself.
    private static let cacheSeconds = 86_400

    func render() -> String {
        """
        {"version":"1.0","type":"rich","title":\(Self.json("\(Website.heading), \(base.code)")),\
        "provider_name":\(Self.json(Website.name)),"provider_url":\(Self.json(origin)),\
        "cache_age":\(Self.cacheSeconds),"width":\(Self.width),"height":\(Self.height),\
        "html":\(Self.json(frame))}
        """
    }

    private var frame: String {
        var markup = Markup()
        markup.element(
            "iframe",
            [
                "src": origin + Website.embed(base), "width": "\(Self.width)",
                "height": "\(Self.height)", "title": "\(Website.heading), \(base.code)",
                "loading": "lazy", "referrerpolicy": "no-referrer",
                "sandbox": "allow-scripts allow-same-origin allow-popups",
            ]
        ) { _ in }
        return markup.output
    }

    /// A JSON string. Escapes `<` too, so that the answer is harmless inside a page.
    private static func json(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<"\u{20}", "<", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
