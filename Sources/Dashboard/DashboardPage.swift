internal import Money
internal import Publishing

/// The dashboard: one report in one base currency.
///
/// Parts that change have an id and `data-part`. The script reloads this page and replaces their
/// content, so that only the server formats figures.
struct DashboardPage {
    let report: PublicReport
    let base: BaseReport
    let view: Dashboard.View
    /// Scheme and authority of this site; "" if unknown.
    var origin = ""

    func render() -> String {
        var page = Markup(prologue: "<!DOCTYPE html>\n")
        page.element("html", ["lang": "en"]) { html in
            html.head(title: title, description: summary, reload: true, links)
            html.element(
                "body",
                [
                    "class": "\(view.rawValue)\(report.isDegraded ? " degraded" : "")",
                    "data-view": view.rawValue, "data-base": base.currency.code,
                    "data-stream": Website.stream(base.currency),
                ]
            ) { body in
                switch view {
                case .standard: standard(&body)
                case .tv: tv(&body)
                }
            }
        }
        return page.output
    }

    /// The short figure and its meaning.
    var title: String {
        let figure =
            Figures.compact(base.total, of: base.currency)
            ?? Figures.amount(base.total, of: base.currency)
        return "\(figure) \(base.currency.code) in 24 hours · \(Website.name)"
    }

    /// The whole answer in a sentence.
    var summary: String {
        let amount = Figures.amount(base.total, of: base.currency)
        return """
            \(amount) \(base.currency.code) moved in the 24 hours up to \
            \(TimeText.full(report.dataAsOf)), across \(report.regions.count) \
            \(report.regions.count == 1 ? "region" : "regions")\
            \(report.isDegraded ? "; part of it is not current" : "").
            """
    }

    private func links(_ head: inout Markup) {
        let code = base.currency.code
        let address = origin + Website.page(base.currency)
        head.empty("link", ["rel": "canonical", "href": address])
        head.empty(
            "link",
            [
                "rel": "alternate", "type": "application/json", "title": "The total as JSON",
                "href": Website.total(base.currency),
            ])
        // Other sites cannot use relative addresses.
        guard !origin.isEmpty else { return }
        head.empty(
            "link",
            [
                "rel": "alternate", "type": "application/json+oembed",
                "title": "\(Website.heading), \(code)",
                "href": "\(origin)/oembed?url=\(Website.escaped(address))&format=json",
            ])
    }

    private func standard(_ body: inout Markup) {
        body.element("a", ["class": "skip", "href": "#main"], text: "Skip to the total")
        body.element("header", ["class": "masthead"]) { header in
            header.element("p", ["class": "brand"]) {
                $0.mark()
                $0.element("span", text: Website.name)
            }
            baseSwitch(&header)
        }
        body.element("main", ["id": "main"]) { main in
            banner(&main)
            total(&main)
            chart(&main)
            main.element("div", ["class": "columns"]) { columns in
                columns.element("div", ["class": "column"]) { currencies(&$0) }
                columns.element("div", ["class": "column"]) { column in
                    regions(&column)
                    rates(&column)
                    accounts(&column)
                    share(&column)
                }
            }
        }
        footer(&body)
    }

    /// Has no links or buttons, because a wall screen has no mouse.
    private func tv(_ body: inout Markup) {
        body.element("main", ["class": "wall"]) { main in
            main.element("p", ["class": "brand"]) {
                $0.mark()
                $0.element("span", text: Website.name)
            }
            banner(&main)
            total(&main)
            regionStrip(&main)
            chart(&main)
        }
    }

    private func baseSwitch(_ header: inout Markup) {
        header.element("nav", ["class": "bases", "aria-label": "Base currency"]) { nav in
            nav.element("ul") { list in
                for choice in report.bases {
                    let isCurrent = choice.currency == base.currency
                    list.element("li") {
                        $0.element(
                            "a",
                            [
                                "href": "?base_currency=\(choice.currency.code)",
                                "aria-current": isCurrent ? "true" : nil,
                            ], text: choice.currency.code)
                    }
                }
            }
        }
    }

    private func footer(_ body: inout Markup) {
        let code = base.currency
        let links: [(String, String)] = [
            ("Methodology", Website.methodology), ("Total", Website.total(code)),
            ("Breakdown", Website.breakdown(code)), ("Series", Website.series(code)),
            ("Stream", Website.stream(code)), ("OpenAPI", Website.description),
            ("Wall view", Website.page(code, view: .tv)),
        ]
        body.element("footer") { footer in
            footer.element(
                "p",
                text: """
                    Every amount is exact to the minor unit, converted once and rounded once, so \
                    the parts may differ from the total in the last digit. All times are UTC.
                    """)
            footer.element("nav", ["aria-label": "More"]) { nav in
                nav.element("ul") { list in
                    for (text, address) in links {
                        list.element("li") { $0.element("a", ["href": address], text: text) }
                    }
                }
            }
        }
    }
}
