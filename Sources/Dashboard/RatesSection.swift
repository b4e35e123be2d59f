internal import CivilTime
internal import Money
internal import Publishing

extension DashboardPage {
    /// The rates of the total.
    func rates(_ column: inout Markup) {
        column.element("section", ["class": "card", "aria-labelledby": "rates-heading"]) {
            section in
            section.element("h2", ["id": "rates-heading"], text: "Exchange rates")
            section.element("dl", ["id": "rates", "data-part": ""]) { list in
                guard let rates = report.rates else {
                    list.fact("Freshness", "No rates are known.")
                    return
                }
                list.fact("Source", rates.source)
                list.fact("Observed on", rates.date)
                for (day, codes) in olderRates(rates) {
                    list.fact("Of \(day)", codes.joined(separator: ", "))
                }
                for held in rates.held {
                    list.fact("\(held.currency.code) held at") { $0.text(Self.text(held)) }
                }
                if let fetchedAt = rates.fetchedAt {
                    list.fact("Fetched") { $0.time(fetchedAt, text: TimeText.full(fetchedAt)) }
                }
                list.fact("Freshness") { standing in
                    if rates.isStale {
                        standing.element(
                            "strong", ["class": "stale"],
                            text: "Out of date: newer rates are overdue.")
                    } else {
                        standing.text("Current")
                    }
                }
                list.fact(
                    "Rounding", "\(rates.rounding.replacing("_", with: " ")), once, at the end")
                list.fact("Rate set ID") { $0.element("code", text: rates.id) }
            }
        }
    }

    /// The shown currencies whose rates are older than the newest day, by day.
    private func olderRates(_ rates: RatesStanding) -> [(day: String, codes: [String])] {
        let newest = rates.days.values.max()
        let older = Dictionary(grouping: report.currencies.map(\.currency)) {
            rates.days[$0] ?? newest ?? ""
        }
        return older.filter { $0.key != newest }.sorted { $0.key < $1.key }
            .map { (day: $0.key, codes: $0.value.map(\.code)) }
    }

    private static func text(_ held: HeldRate) -> String {
        let last = "\(held.rate) of \(held.day)"
        guard let offered = held.offered, let day = held.offeredDay else { return last }
        return "\(last); the source now gives \(offered) of \(day)"
    }

    /// Links for embedding the number in other sites.
    func share(_ column: inout Markup) {
        let embed = Website.embed(base.currency)
        column.element("section", ["class": "card", "aria-labelledby": "share-heading"]) {
            section in
            section.element("h2", ["id": "share-heading"], text: "Embed")
            section.element(
                "p", ["class": "note"],
                text: "The number alone, live in a frame or as a picture without a script.")
            section.element("ul", ["class": "links"]) { list in
                list.element("li") {
                    $0.element("a", ["href": embed], text: "Frame for other sites")
                }
                list.element("li") {
                    $0.element("a", ["href": Website.badge(base.currency)], text: "SVG badge")
                }
            }
        }
    }
}

extension Markup {
    mutating func fact(_ name: String, _ value: String) { fact(name) { $0.text(value) } }

    mutating func fact(_ name: String, _ value: (inout Markup) -> Void) {
        element("div") {
            $0.element("dt", text: name)
            $0.element("dd", [:], value)
        }
    }
}
