internal import Money
internal import Publishing

/// The number as a picture for pages without scripts: fields in a row, each as wide as its text.
struct Badge {
    let report: PublicReport
    let base: Currency

    private static let height = 28
    private static let padding = 10
    /// Tenths per pixel: widths are added in tenths and rounded up once.
    private static let tenths = 10

    func render() -> String {
        let label = "money moved, 24 h"
        let amount = report.base(base).map { Figures.amount($0.total, of: base) } ?? Figures.none
        let value = "\(amount) \(base.code)"
        let note = report.isDegraded ? "not current" : nil
        let fields = [
            Field(text: label, fill: "#17302f", ink: "#e6f0ee"),
            Field(text: value, fill: "#0b7467", ink: "#ffffff"),
        ]
        return draw(
            note.map { fields + [Field(text: $0, fill: "#f5c451", ink: "#2b1d00")] } ?? fields,
            title: "\(Website.heading): \(value)\(note == nil ? "" : ", part of it not current")",
            description: "As of \(TimeText.full(report.dataAsOf)).")
    }

    private struct Field {
        var text: String
        var fill: String
        var ink: String

        /// The width of the text alone, in pixels.
        var textWidth: Int {
            let tenths = text.unicodeScalars.reduce(0) { $0 + Badge.width($1) }
            return (tenths + Badge.tenths - 1) / Badge.tenths
        }

        var width: Int { textWidth + 2 * Badge.padding }
    }

    private func draw(_ fields: [Field], title: String, description: String) -> String {
        let width = fields.reduce(0) { $0 + $1.width }
        var svg = Markup()
        svg.element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "width": "\(width)",
                "height": "\(Self.height)", "viewBox": "0 0 \(width) \(Self.height)",
                "role": "img", "aria-labelledby": "title description",
            ]
        ) { svg in
            svg.element("title", ["id": "title"], text: title)
            svg.element("desc", ["id": "description"], text: description)
            svg.element("clipPath", ["id": "round"]) {
                $0.empty(
                    "rect", ["width": "\(width)", "height": "\(Self.height)", "rx": "6"])
            }
            svg.element("g", ["clip-path": "url(#round)"]) { group in
                var left = 0
                for field in fields {
                    draw(field, left: left, &group)
                    left += field.width
                }
            }
        }
        return svg.output
    }

    /// `textLength` makes any font fill the computed width of the text.
    private func draw(_ field: Field, left: Int, _ group: inout Markup) {
        group.empty(
            "rect",
            [
                "x": "\(left)", "width": "\(field.width)", "height": "\(Self.height)",
                "fill": field.fill,
            ])
        group.element(
            "text",
            [
                "x": "\(left + Self.padding)", "y": "18.5", "fill": field.ink,
                "font-family": "Verdana, 'DejaVu Sans', Geneva, sans-serif", "font-size": "12",
                "textLength": "\(field.textWidth)", "lengthAdjust": "spacingAndGlyphs",
            ], text: field.text)
    }

    /// The width of a character of Verdana at 12 pixels, in tenths of a pixel.
    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "0"..."9": 76
        case ",", ".", " ", "i", "l", "j": 43
        case "f", "r", "t": 49
        case "m", "w": 108
        case "A"..."Z": 84
        default: 74
        }
    }
}
