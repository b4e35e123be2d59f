/// Shown while nothing has been published yet.
struct WaitingPage {
    func render() -> String {
        var document = Markup(prologue: "<!DOCTYPE html>\n")
        document.element("html", ["lang": "en"]) { html in
            html.head(
                title: "Starting · \(Site.name)",
                description: "The total has not been published yet.", reload: true)
            html.element("body", ["class": "waiting", "data-view": "waiting"]) { body in
                body.element("main") { main in
                    main.element("p", ["class": "brand"]) {
                        $0.mark()
                        $0.element("span", text: Site.name)
                    }
                    main.element("h1", text: "The first total is being put together.")
                    main.element(
                        "p", ["role": "status"],
                        text: "This page shows it as soon as it is published.")
                }
            }
        }
        return document.output
    }
}
