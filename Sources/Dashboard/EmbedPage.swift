internal import Money
internal import Publishing

/// The number alone, for a frame in a page of another site.
struct EmbedPage {
    let report: PublicReport
    let base: BaseReport

    func render() -> String {
        let page = DashboardPage(report: report, base: base, view: .standard)
        var document = Markup(prologue: "<!DOCTYPE html>\n")
        document.element("html", ["lang": "en"]) { html in
            html.head(title: page.title, description: page.summary, reload: true) {
                $0.empty("link", ["rel": "canonical", "href": Website.page(base.currency)])
            }
            html.element(
                "body",
                [
                    "class": "embed\(report.isDegraded ? " degraded" : "")",
                    "data-view": "embed", "data-base": base.currency.code,
                    "data-poll": Website.total(base.currency),
                ],
                content)
        }
        return document.output
    }

    private func content(_ body: inout Markup) {
        body.element("main", ["class": "hero"]) { main in
            main.element("h1", text: Website.heading)
            main.total(report, base)
            main.element("p", ["class": "as-of"]) { $0.asOf(report) }
            main.element("p", ["class": "mark-degraded"]) {
                $0.warningSign()
                $0.text("Part of this total is not current.")
            }
            main.element("p", ["class": "origin"]) { line in
                line.element(
                    "a",
                    [
                        "href": Website.page(base.currency), "target": "_blank", "rel": "noopener",
                    ], text: "Details")
                line.text(" ")
                line.control()
            }
        }
    }
}
