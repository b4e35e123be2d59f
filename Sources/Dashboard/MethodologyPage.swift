/// Every rule behind the number, in prose.
struct MethodologyPage {
    private static let heading = "How the number is calculated"

    func render() -> String {
        var document = Markup(prologue: "<!DOCTYPE html>\n")
        document.element("html", ["lang": "en"]) { html in
            html.head(
                title: "\(Self.heading) · \(Website.name)",
                description: "What counts as money moved, and every rule behind the total.",
                reload: false
            ) { $0.empty("link", ["rel": "canonical", "href": Website.methodology]) }
            html.element("body", ["class": "prose"]) { body in
                body.element("header", ["class": "masthead"]) { header in
                    header.element("p", ["class": "brand"]) { brand in
                        brand.element("a", ["href": "/"]) {
                            $0.mark()
                            $0.element("span", text: Website.name)
                        }
                    }
                }
                body.element("main") { main in
                    main.element("h1", text: Self.heading)
                    contents(&main)
                    for section in Self.sections { section.render(into: &main) }
                    reasons(&main)
                    Self.gaps.render(into: &main)
                }
                body.element("footer") {
                    $0.element("p") { $0.element("a", ["href": "/"], text: "Back to the total") }
                }
            }
        }
        return document.output
    }

    private static let reasonsHeading = "Why a total can be marked as not current"
    private static let reasonsID = "reasons"

    private func contents(_ main: inout Markup) {
        let entries =
            Self.sections.map { ($0.id, $0.heading) }
            + [(Self.reasonsID, Self.reasonsHeading), (Self.gaps.id, Self.gaps.heading)]
        main.element("nav", ["class": "contents", "aria-label": "On this page"]) { nav in
            nav.element("ul") { list in
                for (id, heading) in entries {
                    list.element("li") { $0.element("a", ["href": "#\(id)"], text: heading) }
                }
            }
        }
    }

    private func reasons(_ main: inout Markup) {
        main.element("section", ["id": Self.reasonsID]) { section in
            section.element("h2", text: Self.reasonsHeading)
            section.element(
                "p",
                text: """
                    When an answer is incomplete or stale, the field is_degraded is true, the \
                    dashboard shows a banner, and the breakdown lists each reason with its region \
                    and the affected share of the total.
                    """)
            section.element("dl", ["class": "reasons"]) { list in
                for reason in Reason.all {
                    list.element("div") { entry in
                        entry.element("dt") { $0.element("code", text: reason.word) }
                        entry.element("dd", text: reason.explanation)
                    }
                }
            }
        }
    }
}

/// A heading and its paragraphs.
struct ProseSection {
    let id: String
    let heading: String
    let paragraphs: [String]

    func render(into main: inout Markup) {
        main.element("section", ["id": id]) { section in
            section.element("h2", text: heading)
            for paragraph in paragraphs { section.element("p", text: paragraph) }
        }
    }
}
