import Dashboard
import Identifiers
import Money
import Publishing
import Testing

@Suite struct DashboardTests {
    private static let bases = [SampleReport.usd, SampleReport.jpy, SampleReport.kwd]

    private static func read(_ page: String) -> MarkupChecker { MarkupChecker(page) }

    @Test(arguments: Dashboard.View.allCases)
    func `the page is complete without a script`(view: Dashboard.View) {
        let report = SampleReport.whole
        let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: view))
        #expect(page.text.contains("421,873,912,504.50") || page.text.contains("504 .50"))
        #expect(
            page.all("p", ["id": "total"]).first?.attributes["data-amount"] == "421873912504.50")
        #expect(page.all("time", ["datetime": "2026-03-25T13:28:00Z", "id": "as-of"]).count == 1)
        #expect(page.all("svg", ["class": "chart"]).count == 1)
        for region in report.regions { #expect(page.text.contains(region.region.name)) }
        #expect(page.all("meta", ["http-equiv": "refresh"]).first?.path.last == "noscript")
    }

    @Test func `the standard page shows every currency with its decimals, and the rates`() {
        let report = SampleReport.whole
        let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: .standard))
        for figure in report.currencies {
            #expect(page.text.contains(figure.currency.code))
            #expect(page.text.contains(Self.independent(figure.amount, figure.currency.exponent)))
            #expect(page.text.contains(Self.independent(figure.transfers, 0)))
        }
        for text in ["European Central Bank", "2026-03-25", "5b1f0c9d2a7e4410", "half even"] {
            #expect(page.text.contains(text))
        }
        #expect(page.all("tr").count == 2 + report.currencies.count + report.regions.count)
    }

    /// Digits and commas by division, independently of `DecimalText`.
    private static func independent(_ value: Int128, _ exponent: Int) -> String {
        var digits = String(value)
        while digits.count <= exponent { digits = "0" + digits }
        let whole = String(digits.dropLast(exponent))
        var groups: [Substring] = []
        var rest = whole[...]
        while !rest.isEmpty {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return groups.joined(separator: ",") + (exponent > 0 ? "." + digits.suffix(exponent) : "")
    }

    @Test func `a total has exactly the decimals of its currency`() {
        for (base, expected) in zip(
            Self.bases, ["421873912504.50", "42187391250450", "42187391250.450"])
        {
            let page = Self.read(Dashboard.page(SampleReport.whole, base: base, view: .standard))
            #expect(
                page.all("p", ["id": "total"]).first?.attributes["data-amount"] == expected)
            let digits = page.text.filter { $0.isNumber || ",.".contains($0) || $0 == " " }
            let spoken = Self.independent(SampleReport.total, base.exponent)
            #expect(digits.replacing(" .", with: ".").contains(spoken.prefix(14)))
        }
    }

    @Test func `a falling and a negative total keep their sign and digits`() {
        var report = SampleReport.whole
        report.bases[0].total = -5
        let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: .standard))
        #expect(page.all("p", ["id": "total"]).first?.attributes["data-amount"] == "-0.05")
        #expect(page.text.contains("\u{2212}0"))
        #expect(page.problems == [])
    }

    @Test func `every base is a plain link, and the current one is marked`() {
        let page = Self.read(
            Dashboard.page(SampleReport.whole, base: SampleReport.eur, view: .standard))
        let links = page.all("a").filter {
            $0.attributes["href"]?.hasPrefix("?base_currency=") == true
        }
        #expect(
            links.compactMap { $0.attributes["href"] } == [
                "?base_currency=USD", "?base_currency=EUR", "?base_currency=JPY",
                "?base_currency=KWD",
            ])
        #expect(
            links.filter { $0.attributes["aria-current"] == "true" }.map {
                $0.attributes["href"]
            } == ["?base_currency=EUR"])
    }

    @Test func `the wall view has no controls`() {
        for report in [SampleReport.whole, SampleReport.degraded] {
            let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: .tv))
            for name in ["a", "button", "input", "select", "nav", "form"] {
                #expect(page.all(name) == [], "\(name)")
            }
        }
    }

    @Test func `a degraded page shows reasons, regions, ages and shares`() {
        let page = Self.read(
            Dashboard.page(SampleReport.degraded, base: SampleReport.usd, view: .standard))
        let words = page.text.split { $0.isWhitespace }.joined(separator: " ")
        #expect(page.all("div", ["id": "banner", "role": "status"]).count == 1)
        #expect(page.elements.contains { $0.attributes["class"] == "sign" })
        for sentence in [
            "Part of this total is not current.", "The exchange rates are older",
            "not in the total: NGN",
            "eu-west has gone silent and is behind; data through 13:28:00 UTC",
            "43 s ago", "about 12% of the total", "us-east is behind",
            "Other 3 with too few transfers", "1,234.50 EUR in 12 transfers", "out of date",
        ] { #expect(words.contains(sentence), "\(sentence)") }
        let whole = Self.read(
            Dashboard.page(SampleReport.whole, base: SampleReport.usd, view: .standard))
        #expect(whole.all("div", ["id": "banner", "role": "status"]).count == 1)
        #expect(!whole.text.contains("not current"))
    }

    @Test func `the banner lists a region once, with all its reasons`() {
        var report = SampleReport.whole
        let (west, east) = (report.regions[1].region, report.regions[2].region)
        report.degradations = [
            ReportedDegradation(reason: "region_lagging", region: west),
            ReportedDegradation(reason: "skew", region: east),
            ReportedDegradation(reason: "rejecting", region: west),
            ReportedDegradation(reason: "region_lagging", region: west),
            ReportedDegradation(reason: "ahead", region: west),
        ]
        for view in Dashboard.View.allCases {
            let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: view))
            let words = page.text.split { $0.isWhitespace }.joined(separator: " ")
            #expect(
                words.contains(
                    "eu-west is behind, rejects many of its records and has transfers dated in the "
                        + "future; data through"))
            #expect(words.contains("us-east has a clock that differs by more than a minute;"))
            #expect(page.all("strong").count == 3)
        }
    }

    @Test func `an unknown reason is shown unchanged`() {
        var report = SampleReport.whole
        report.degradations = [ReportedDegradation(reason: "moon_is_full")]
        let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: .standard))
        #expect(page.text.contains("moon is full"))
    }

    @Test func `shares are rounded half to even, and small ones stay visible`() {
        var report = SampleReport.whole
        report.bases[0].total = 20_000
        report.bases[0].regions = [2_410, 2_430, 1]
        let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: .tv))
        // 12.05 % rounds down and 12.15 % up, each to the even tenth.
        for text in ["12.0%", "12.2%", "<0.1%"] { #expect(page.text.contains(text)) }
    }

    @Test func `the line has gaps at unknown minutes`() throws {
        var report = SampleReport.whole
        report.bases[0].series = [100, 50, nil, nil, 0, nil, 100, 20]
        let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: .standard))
        let line = try #require(page.all("path", ["class": "line"]).first?.attributes["d"])
        #expect(line == "M0 6L1 123M4 240h1M6 6h1")
        let gaps = page.all("path", ["class": "gap"]).first?.attributes["d"]
        #expect(gaps == "M2 0h2v240h-2zM5 0h1v240h-1z")
        // The current minute is incomplete: a dot, not the end of the line.
        #expect(page.all("path", ["class": "present"]).first?.attributes["d"] == "M7 193h0")
        #expect(page.text.contains("3 minutes are not known"))
    }

    @Test func `a day without transfers still gives a page`() {
        var report = SampleReport.whole
        report.currencies = []
        report.rates = nil
        for index in report.bases.indices {
            report.bases[index].total = 0
            report.bases[index].currencies = []
            report.bases[index].regions = [0, 0, 0]
            report.bases[index].series = []
        }
        for view in Dashboard.View.allCases {
            let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: view))
            #expect(page.problems == [])
            #expect(page.text.contains("Nothing moved"))
        }
    }

    @Test func `the largest sums cause no trap and lose no digit`() {
        var report = SampleReport.whole
        report.bases[0].total = .max
        report.bases[0].regions = [.max, .max / 2, .min]
        report.bases[0].series = [.max / 2, 0, .max / 2]
        report.bases[0].currencies[0] = .max
        report.currencies[0].amount = .max
        let page = Self.read(Dashboard.page(report, base: SampleReport.usd, view: .standard))
        #expect(page.problems == [])
        #expect(
            page.all("p", ["id": "total"]).first?.attributes["data-amount"]
                == "1701411834604692317316873037158841057.27")
    }

    @Test func `a base that the report lacks gives the waiting page`() throws {
        let chf = try #require(Currency(code: "CHF"))
        #expect(
            Dashboard.page(SampleReport.whole, base: chf, view: .standard) == Dashboard.waiting())
        #expect(Dashboard.embed(SampleReport.whole, base: chf) == Dashboard.waiting())
        #expect(Dashboard.badge(SampleReport.whole, base: chf).contains("– CHF"))
    }
}
