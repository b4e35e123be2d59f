internal import CivilTime
import Identifiers
internal import Money
internal import Publishing
internal import Topology

/// A column of a table: the text of its head and the style of its cells.
private struct Column {
    var name: String
    var kind: StaticString
}

extension DashboardPage {
    /// Every currency of the window, largest share first.
    func currencies(_ column: inout Markup) {
        let code = base.currency.code
        let columns = [
            Column(name: "Currency", kind: "name"), Column(name: "Amount", kind: "number"),
            Column(name: "In \(code)", kind: "number"), Column(name: "Share", kind: "share"),
            Column(name: "Transfers", kind: "number minor"),
        ]
        let width =
            Self.codeWidth
            + Self.widest(report.currencies) { Figures.amount($0.amount, of: $0.currency) }
            + Self.widest(base.currencies + [base.other]) {
                Figures.amount($0, of: base.currency)
            } + Self.widest(report.currencies) { Figures.count($0.transfers) }
        column.table(id: "currencies", heading: "By currency", width: width, columns) { body in
            for index in ordered {
                let figure = report.currencies[index]
                let converted = base.currencies[index]
                body.row { row in
                    row.head(figure.currency.code)
                    row.cell(
                        columns[1], text: Figures.amount(figure.amount, of: figure.currency))
                    row.cell(columns[2], text: Figures.amount(converted, of: base.currency))
                    share(converted, columns[3], &row)
                    row.cell(columns[4], text: Figures.count(figure.transfers))
                }
            }
            if let other = report.other {
                body.row { row in
                    row.head("Other", note: Self.otherText(other))
                    row.cell(columns[1], text: Figures.none)
                    row.cell(columns[2], text: Figures.amount(base.other, of: base.currency))
                    share(base.other, columns[3], &row)
                    row.cell(columns[4], text: Figures.count(other.transfers))
                }
            }
        }
    }

    /// The width of the widest text in a column, in digits.
    private static func widest<Row>(_ rows: [Row], _ text: (Row) -> String) -> Int {
        rows.reduce(0) { max($0, Markup.width(of: text($1))) }
    }

    private static let codeWidth = 4

    /// Indices of `report.currencies`, by converted amount; those without a rate last.
    private var ordered: [Int] {
        let indices = report.currencies.indices.filter { $0 < base.currencies.count }
        return indices.sorted { a, b in
            switch (base.currencies[a], base.currencies[b]) {
            case (let x?, let y?) where x != y: x > y
            case (.some, nil): true
            case (nil, .some): false
            default: report.currencies[a].currency.code < report.currencies[b].currency.code
            }
        }
    }

    private static func otherText(_ other: OtherFigure) -> String {
        "\(other.currencies) with too few transfers to be shown"
    }

    /// Every region of the topology, in its order.
    func regions(_ column: inout Markup) {
        let columns = [
            Column(name: "Region", kind: "name"),
            Column(name: "In \(base.currency.code)", kind: "number"),
            Column(name: "Share", kind: "share"), Column(name: "Data through", kind: "seen"),
            Column(name: "State", kind: "standing"),
        ]
        let width =
            Self.widest(report.regions) { $0.region.name }
            + Self.widest(base.regions) { Figures.amount($0, of: base.currency) }
        column.table(id: "regions", heading: "By region", width: width, columns) { body in
            for (index, standing) in report.regions.enumerated() {
                let converted = index < base.regions.count ? base.regions[index] : nil
                body.row { row in
                    row.head(standing.region.name)
                    row.cell(columns[1], text: Figures.amount(converted, of: base.currency))
                    share(converted, columns[2], &row)
                    row.cell(columns[3]) { cell in
                        guard let time = standing.observedThrough else {
                            cell.text("never")
                            return
                        }
                        cell.time(time, text: TimeText.clock(time))
                        cell.text(" ")
                        cell.age(of: time, at: report.madeAt)
                    }
                    row.cell(columns[4]) { $0.state(standing.state) }
                }
            }
        }
    }

    /// The regions in one line, for a wall screen.
    func regionStrip(_ main: inout Markup) {
        main.element("ul", ["class": "strip", "id": "strip", "data-part": ""]) { list in
            for (index, standing) in report.regions.enumerated() {
                list.element("li") { item in
                    item.element("span", ["class": "strip-name"], text: standing.region.name)
                    item.text(" ")
                    item.state(standing.state)
                    if index < base.regions.count,
                        let share = Figures.percent(base.regions[index], of: base.total)
                    {
                        item.text(" ")
                        item.element("span", ["class": "strip-share"], text: share)
                    }
                }
            }
        }
    }

    private func share(_ converted: Int128?, _ column: Column, _ row: inout Markup) {
        row.cell(column) { cell in
            guard let converted, let text = Figures.percent(converted, of: base.total) else {
                cell.text(Figures.none)
                return
            }
            cell.element("span", text: text)
            cell.bar(converted, of: base.total)
        }
    }

    /// One card for each account that is not empty.
    func accounts(_ column: inout Markup) {
        column.element("div", ["id": "accounts", "data-part": ""]) { part in
            card(
                "late", "Late money",
                """
                Transfers that arrived more than 25 hours late, or that may be repeats. They are \
                not in the total until they are reconciled.
                """, report.accounts.late, counting: "transfer", &part)
            card(
                "missed", "Missed money",
                """
                Transfers that reached headquarters after their minute had expired, because of an \
                outage of more than a day. They are not in the total; this is an upper bound.
                """, report.accounts.missed, counting: "transfer", &part)
            card(
                "ahead", "Money ahead",
                """
                Transfers dated more than 5 minutes in the future. They enter the total when their \
                minute comes.
                """, report.accounts.ahead, counting: "transfer", &part)
            card(
                "corrections", "Corrections",
                """
                Changes to single minutes after a comparison with the ledger. The total includes \
                them.
                """,
                report.accounts.corrections, counting: "minute", &part)
        }
    }

    private func card(
        _ id: String, _ heading: String, _ note: String, _ figures: [AccountFigure]?,
        counting unit: String, _ part: inout Markup
    ) {
        guard let figures, !figures.isEmpty else { return }
        part.element("section", ["class": "card", "aria-labelledby": "\(id)-heading"]) { section in
            section.element("h2", ["id": "\(id)-heading"], text: heading)
            section.element("p", ["class": "note"], text: note)
            section.element("ul", ["class": "plain"]) { list in
                for figure in figures {
                    // An amount of few transfers is missing, because it would reveal single ones.
                    let amount = figure.amount.map {
                        "\(Figures.amount($0, of: figure.currency)) \(figure.currency.code) in"
                    }
                    list.element(
                        "li",
                        text: """
                            \(figure.region.name): \(amount ?? "\(figure.currency.code),") \
                            \(Figures.count(figure.count)) \(unit)\(figure.count == 1 ? "" : "s")
                            """)
                }
            }
        }
    }
}

extension Markup {
    /// A table in a card, whose rows contain texts of `width` digits in all. Rows have explicit
    /// roles, because narrow screens lay them out as blocks, and some browsers then drop the
    /// implicit ones.
    fileprivate mutating func table(
        id: String, heading: String, width: Int, _ columns: [Column],
        _ rows: (inout Markup) -> Void
    ) {
        element("section", ["class": "card", "aria-labelledby": "\(id)-heading"]) { section in
            section.element("h2", ["id": "\(id)-heading"], text: heading)
            section.element(
                "table", ["class": "\(id)", "role": "table", "aria-labelledby": "\(id)-heading"]
            ) { table in
                table.element("thead", ["role": "rowgroup"]) { head in
                    head.row { row in
                        for column in columns {
                            row.element(
                                "th",
                                [
                                    "scope": "col", "role": "columnheader",
                                    "class": column.kind.description,
                                ],
                                text: column.name)
                        }
                    }
                }
                table.element(
                    "tbody",
                    [
                        "id": id, "class": Self.widthClass(width), "role": "rowgroup",
                        "data-part": "",
                    ], rows)
            }
        }
    }

    fileprivate mutating func row(_ content: (inout Markup) -> Void) {
        element("tr", ["role": "row"], content)
    }

    fileprivate mutating func head(_ text: String, note: String? = nil) {
        element("th", ["scope": "row", "role": "rowheader", "class": "name"]) { head in
            head.text(text)
            guard let note else { return }
            head.text(" ")
            head.element("small", text: note)
        }
    }

    fileprivate mutating func cell(_ column: Column, text: String) {
        cell(column) { $0.text(text) }
    }

    fileprivate mutating func cell(_ column: Column, _ content: (inout Markup) -> Void) {
        element(
            "td",
            ["role": "cell", "class": column.kind.description, "data-column": column.name], content)
    }

    /// A share as a bar. Hidden from screen readers, because the figure is next to it.
    fileprivate mutating func bar(_ part: Int128, of whole: Int128) {
        let filled = min(max(Figures.rounded(part, times: 1_000, over: whole), 0), 1_000)
        element(
            "svg",
            [
                "class": "bar", "viewBox": "0 0 1000 1", "preserveAspectRatio": "none",
                "aria-hidden": "true",
            ]
        ) {
            $0.empty("rect", ["class": "bar-whole", "width": "1000", "height": "1"])
            $0.empty("rect", ["class": "bar-part", "width": "\(filled)", "height": "1"])
        }
    }

    /// A region's state as a shape and a word, never by colour alone.
    fileprivate mutating func state(_ state: RegionStanding.State) {
        let shape =
            switch state {
            case .live: "M8 3a5 5 0 1 0 .001 0z"
            case .retired: "M3 7h10v2H3z"
            case .lagging, .recovering, .incomplete: "M8 2l6 6-6 6-6-6z"
            case .silent, .missing: "M8 2l7 12H1z"
            }
        element("span", ["class": "state state-\(state.rawValue)"]) { label in
            label.element(
                "svg",
                ["viewBox": "0 0 16 16", "width": "12", "height": "12", "aria-hidden": "true"]
            ) { $0.empty("path", ["d": shape]) }
            label.text(state.rawValue)
        }
    }
}
