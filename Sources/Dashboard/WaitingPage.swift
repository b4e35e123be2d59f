/// Shown until the first total is published.
struct WaitingPage {
    func render() -> String {
        var document = Markup(prologue: "<!DOCTYPE html>\n")
        document.element("html", ["lang": "en"]) { html in
            html.head(
                title: "Starting · \(Website.name)",
                description: "The total has not been published yet.", reload: true)
            html.element("body", ["class": "waiting", "data-view": "waiting"]) { body in
                body.element("main") { main in
                    main.element("p", ["class": "brand"]) {
                        $0.mark()
                        $0.element("span", text: Website.name)
                    }
                    main.element("h1", text: "Calculating the first total")
                    main.element(
                        "p", ["role": "status"],
                        text: "This page shows the total as soon as it is published.")
                }
            }
        }
        return document.output
    }
}
