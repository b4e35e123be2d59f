internal import CivilTime
internal import Identifiers
internal import Publishing

extension DashboardPage {
    /// The reasons for a degraded answer, the regions, the age of their data, and their share of
    /// the total. The element is always present, so that screen readers notice new text.
    func banner(_ main: inout Markup) {
        main.element(
            "div", ["class": "banner", "id": "banner", "role": "status", "data-part": ""]
        ) { banner in
            guard report.isDegraded else { return }
            banner.warningSign()
            banner.element("div") { content in
                content.element("p") {
                    $0.element("strong", text: "Part of this total is not current.")
                }
                content.element("ul") { list in
                    for degradation in report.degradations where degradation.region == nil {
                        list.element("li") { general(degradation, &$0) }
                    }
                    for region in regionsConcerned {
                        list.element("li") { sentence(region, &$0) }
                    }
                }
            }
        }
    }

    /// Each region with a reason, once, in the order of the reasons.
    private var regionsConcerned: [RegionID] {
        report.degradations.compactMap(\.region).reduce(into: []) { regions, region in
            if !regions.contains(region) { regions.append(region) }
        }
    }

    private func general(_ degradation: ReportedDegradation, _ item: inout Markup) {
        let reason = Reason.named(degradation.reason)
        item.text(reason.general ?? reason.statement)
        if !degradation.currencies.isEmpty {
            item.text(": \(degradation.currencies.joined(separator: ", "))")
        }
        item.text(".")
    }

    /// All problems of one region.
    private func sentence(_ region: RegionID, _ item: inout Markup) {
        var statements: [String] = []
        for degradation in report.degradations where degradation.region == region {
            let statement = Reason.named(degradation.reason).statement
            if !statements.contains(statement) { statements.append(statement) }
        }
        item.element("strong", text: region.name)
        item.text(" \(Self.joined(statements))")
        let index = report.regions.firstIndex { $0.region == region }
        if let index, let time = report.regions[index].observedThrough {
            item.text("; data through ")
            item.time(time, text: TimeText.clock(time))
            item.element("span", ["class": "since", "aria-hidden": "true"]) {
                $0.text(" (")
                $0.age(of: time, at: report.madeAt)
                $0.text(")")
            }
        }
        if let index, index < base.regions.count,
            let share = Figures.roughPercent(base.regions[index], of: base.total)
        {
            item.text("; \(share) of the total")
        }
        item.text(".")
    }

    /// `is behind`, `is behind and rejects records`, `is behind, rejects records and has gone`.
    private static func joined(_ statements: [String]) -> String {
        guard statements.count > 1, let last = statements.last else {
            return statements.first ?? ""
        }
        return "\(statements.dropLast().joined(separator: ", ")) and \(last)"
    }
}

extension Markup {
    mutating func warningSign() {
        element(
            "svg",
            [
                "class": "sign", "viewBox": "0 0 24 24", "width": "24", "height": "24",
                "aria-hidden": "true",
            ]
        ) {
            $0.empty("path", ["class": "sign-shape", "d": "M12 3 1.8 20.6h20.4z"])
            $0.empty("path", ["class": "sign-mark", "d": "M12 9.6v5M12 17.4v.2"])
        }
    }
}
