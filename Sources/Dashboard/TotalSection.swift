internal import CivilTime
internal import Money
internal import Publishing

extension DashboardPage {
    /// The number itself, and the facts that a reader needs with it.
    func total(_ main: inout Markup) {
        main.element("section", ["class": "hero", "aria-labelledby": "heading"]) { section in
            section.element("div", ["class": "hero-head"]) { head in
                head.element("h1", ["id": "heading"], text: Website.heading)
                if view == .standard { head.control() }
            }
            section.total(report, base)
            section.element("p", ["class": "compact", "id": "compact", "data-part": ""]) {
                if let compact = Figures.compact(base.total, of: base.currency) {
                    $0.text("about \(compact)")
                }
            }
            section.element("div", ["class": "facts"]) { facts in
                facts.element("p", ["class": "as-of"]) { $0.asOf(report) }
                facts.element("p", ["id": "window", "data-part": ""], window)
                facts.element("p", ["id": "counted", "data-part": ""]) {
                    $0.text("\(Figures.count(transfers)) transfers")
                }
                guard view == .standard else { return }
                facts.element("p", ["id": "converted-with", "data-part": ""], ratesInShort)
            }
            section.element(
                "p", ["class": "spoken", "id": "announcement", "aria-live": "polite"]
            ) { _ in }
        }
    }

    private var transfers: Int128 {
        report.currencies.reduce(report.other?.transfers ?? 0) { $0 + $1.transfers }
    }

    private func window(_ fact: inout Markup) {
        let first = report.currentMinute.advanced(by: 1 - max(base.series.count, 1))
        fact.text("Window: ")
        fact.time(first.start, text: TimeText.day(first))
        fact.text(" to ")
        fact.time(report.currentMinute.start, text: TimeText.day(report.currentMinute))
        fact.text(" UTC")
    }

    private func ratesInShort(_ fact: inout Markup) {
        guard let rates = report.rates else {
            fact.element("strong", text: "No exchange rates")
            return
        }
        fact.text("Rates of \(rates.date)")
        if rates.isStale { fact.element("strong", text: ", out of date") }
    }
}

extension Markup {
    /// The exact total. `data-amount` is the number of the API, digit for digit.
    mutating func total(_ report: PublicReport, _ base: BaseReport) {
        let amount = Figures.amount(base.total, of: base.currency)
        let parts = amount.split(separator: ".")
        element(
            "p",
            [
                "class": "total \(Self.widthClass(Self.width(of: amount)))", "id": "total",
                "data-amount": DecimalText.format(minorUnits: base.total, of: base.currency),
                "data-as-of": RFC3339.format(report.dataAsOf),
            ]
        ) { total in
            total.element("span", ["class": "amount", "id": "amount"]) { digits in
                digits.text(String(parts.first ?? ""))
                if parts.count == 2 {
                    digits.element("span", ["class": "fraction"], text: ".\(parts[1])")
                }
            }
            total.text(" ")
            total.element("span", ["class": "code"], text: base.currency.code)
        }
    }

    /// The time of the answer. The script adds its age and whether it is live.
    mutating func asOf(_ report: PublicReport) {
        element(
            "span", ["class": "connection", "id": "connection", "data-state": "still"]
        ) { $0.text("As of ") }
        time(report.dataAsOf, id: "as-of", text: TimeText.full(report.dataAsOf))
        text(" ")
        element(
            "span", ["class": "age", "id": "age", "data-since": RFC3339.format(report.dataAsOf)]
        ) { _ in }
    }

    /// The pause button; the script shows it, because it does not work without one.
    mutating func control() {
        element("button", ["type": "button", "id": "pause", "hidden": ""], text: "Pause")
    }

    /// The width of a number in digits; a comma or a point counts as half a digit.
    static func width(of number: String) -> Int {
        let narrow = number.count { $0 == "," || $0 == "." }
        return number.count - narrow + (narrow + 1) / 2
    }

    /// The class for numbers of this width, for which the style sheet selects a font size that fits
    /// them in a line. The script computes the same for the total.
    static func widthClass(_ width: Int) -> String { "w\(min(max(width, widthMin), widthMax))" }

    private static let widthMin = 4
    private static let widthMax = 80
}
