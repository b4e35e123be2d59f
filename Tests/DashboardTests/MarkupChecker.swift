/// Parses HTML or SVG as strictly as an XML parser and keeps the result: elements must be closed in
/// order, attributes quoted and unique, and every `<` and `&` escaped.
struct MarkupChecker {
    struct Element: Equatable {
        var name: String
        var attributes: [String: String]
        /// The names of the enclosing elements, the root first.
        var path: [String]
    }

    private(set) var elements: [Element] = []
    /// All text with resolved entities, and a blank between elements.
    private(set) var text = ""
    /// The problems; empty if the text is well-formed.
    private(set) var problems: [String] = []

    private var rest: Substring
    private var open: [String] = []

    init(_ markup: String) {
        rest = markup[...]
        if rest.hasPrefix("<!DOCTYPE html>") { rest.removeFirst("<!DOCTYPE html>".count) }
        while !rest.isEmpty, problems.isEmpty { step() }
        if !open.isEmpty { problems.append("never closed: \(open)") }
    }

    /// The elements with this name and all of these attributes.
    func all(_ name: String, _ attributes: [String: String] = [:]) -> [Element] {
        elements.filter { element in
            element.name == name && attributes.allSatisfy { element.attributes[$0.key] == $0.value }
        }
    }

    private mutating func step() {
        if rest.hasPrefix("</") {
            let name = String(rest.dropFirst(2).prefix { $0 != ">" })
            rest = rest.dropFirst(name.count + 3)
            if open.popLast() != name { problems.append("</\(name)> closes nothing") }
            text += " "
        } else if rest.first == "<" {
            rest.removeFirst()
            openElement()
        } else {
            let run = rest.prefix { $0 != "<" }
            rest = rest.dropFirst(run.count)
            if open.isEmpty, run.contains(where: { !$0.isWhitespace }) {
                problems.append("text outside the root: \(run)")
            }
            text += resolved(run)
        }
    }

    private mutating func openElement() {
        let name = String(rest.prefix { $0.isLetter || $0.isNumber })
        rest = rest.dropFirst(name.count)
        guard !name.isEmpty else { return problems.append("a stray <") }
        var attributes: [String: String] = [:]
        var isEmpty = false
        while true {
            rest = rest.drop { $0.isWhitespace }
            if rest.hasPrefix("/>") {
                rest = rest.dropFirst(2)
                isEmpty = true
                break
            }
            if rest.hasPrefix(">") {
                rest = rest.dropFirst()
                break
            }
            let key = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == ":" })
            rest = rest.dropFirst(key.count)
            guard !key.isEmpty, rest.hasPrefix("=\"") else {
                return problems.append("<\(name) \(key): an attribute without a quoted value")
            }
            let value = rest.dropFirst(2).prefix { $0 != "\"" }
            rest = rest.dropFirst(value.count + 3)
            guard !value.contains("<") else { return problems.append("< in \(name) \(key)") }
            guard attributes.updateValue(resolved(value), forKey: key) == nil else {
                return problems.append("\(key) twice in <\(name)>")
            }
        }
        elements.append(
            Element(name: name, attributes: attributes, path: open))
        if !isEmpty { open.append(name) }
    }

    private mutating func resolved(_ run: Substring) -> String {
        var result = ""
        var run = run
        while let index = run.firstIndex(of: "&") {
            result += run[..<index]
            run = run[index...]
            let known = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\"")]
            guard
                let (entity, character) = (known + [("&#39;", "'")]).first(where: {
                    run.hasPrefix($0.0)
                })
            else {
                problems.append("a stray & before \(run.prefix(12))")
                return result
            }
            result += character
            run = run.dropFirst(entity.count)
        }
        return result + run
    }
}
