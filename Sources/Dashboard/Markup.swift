/// Builds HTML or SVG that is always escaped: the names of elements and attributes are literals of
/// this program, and everything else enters through `text` or as an attribute's value. The result
/// is also well-formed XML.
struct Markup {
    private(set) var output: String

    /// - Parameter prologue: text before the root element, such as a doctype.
    init(prologue: StaticString = "") { output = prologue.description }

    /// An element with content.
    mutating func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
        _ content: (inout Markup) -> Void
    ) {
        open(name, attributes)
        output += ">"
        content(&self)
        output += "</\(name)>"
        if Self.linesOfTheirOwn.contains(name.description) { output += "\n" }
    }

    /// An element that contains only text.
    mutating func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
        text: String
    ) {
        element(name, attributes) { $0.text(text) }
    }

    /// An element that never has content, such as `meta` or an SVG path.
    mutating func empty(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:]
    ) {
        open(name, attributes)
        output += " />"
        if Self.linesOfTheirOwn.contains(name.description) { output += "\n" }
    }

    /// Adds escaped text.
    mutating func text(_ text: String) { Self.escape(text, isAttribute: false, into: &output) }

    /// Omits attributes whose value is nil. Boolean attributes have the value "".
    private mutating func open(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?>
    ) {
        output += "<\(name)"
        for (name, value) in attributes {
            guard let value else { continue }
            output += " \(name)=\""
            Self.escape(value, isAttribute: true, into: &output)
            output += "\""
        }
    }

    /// Elements that are followed by a line break, because blanks have no meaning there.
    private static let linesOfTheirOwn: Set<String> = [
        "html", "head", "body", "title", "meta", "link", "script", "noscript", "header", "main",
        "footer", "nav", "section", "div", "figure", "figcaption", "svg", "path", "table",
        "caption", "thead", "tbody", "tr", "ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "p",
    ]

    /// Appends `text`; replaces the characters that would end it, and those that XML forbids.
    private static func escape(_ text: String, isAttribute: Bool, into output: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"" where isAttribute: output += "&quot;"
            case "'" where isAttribute: output += "&#39;"
            case "\t", "\n", "\r": output += isAttribute ? " " : String(scalar)
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{FFFE}", "\u{FFFF}":
                output += "\u{FFFD}"
            default: output.unicodeScalars.append(scalar)
            }
        }
    }
}
