import Dashboard
import Foundation
import Identifiers
import Money
import Publishing
import Testing

/// Checks every page: well-formed, escaped, nothing inline, nothing from other sites.
@Suite struct PagesTests {
    private static let hostile = "\"><script>alert('x')</script>&amp;\u{0}]]><!--"

    /// A report in which every free text tries to inject markup.
    private static var attacked: PublicReport {
        var report = SampleReport.degraded
        let region = RegionID(unchecked: hostile)
        report.regions[0].region = region
        report.rates?.source = hostile
        report.rates?.id = hostile
        report.rates?.date = hostile
        report.rates?.rounding = hostile
        report.version = hostile
        report.degradations += [
            ReportedDegradation(reason: hostile, region: region, currencies: [hostile]),
            ReportedDegradation(reason: hostile, currencies: [hostile]),
        ]
        report.accounts.late?[0].region = region
        report.accounts.ahead?[0].region = region
        return report
    }

    private static func pages(_ report: PublicReport) -> [String] {
        report.bases.flatMap { base in
            Dashboard.View.allCases.map { Dashboard.page(report, base: base.currency, view: $0) }
                + [Dashboard.embed(report, base: base.currency)]
        } + [Dashboard.methodology(), Dashboard.waiting()]
    }

    @Test func `every page and picture is well-formed, even with hostile texts`() {
        for report in [SampleReport.whole, SampleReport.degraded, Self.attacked] {
            for page in Self.pages(report) + [Dashboard.badge(report, base: SampleReport.usd)] {
                let checked = MarkupChecker(page)
                #expect(checked.problems == [])
                #expect(checked.elements.count > 5)
            }
        }
    }

    @Test func `the checker itself finds mistakes`() {
        for broken in [
            "<p>a & b</p>", "<p>a < b</p>", "<p><b></p></b>", "<p>", "<p a=b></p>",
            "<p a=\"1\" a=\"2\"></p>", "<p a=\"<\"></p>", "<p></p>after",
        ] { #expect(MarkupChecker(broken).problems != [], "\(broken)") }
        #expect(MarkupChecker("<p a=\"1\">&lt;<br /></p>").problems == [])
    }

    @Test func `hostile names stay text`() {
        let shown = Self.hostile.replacing("\u{0}", with: "\u{FFFD}")
        for page in Self.pages(Self.attacked).prefix(2) {
            let checked = MarkupChecker(page)
            #expect(checked.text.contains(shown))
            #expect(checked.all("script").allSatisfy { $0.attributes["src"] != nil })
            #expect(!page.contains("<script>"))
        }
    }

    @Test func `no page has inline code or loads from another site`() {
        for page in Self.pages(Self.attacked) {
            let checked = MarkupChecker(page)
            #expect(checked.all("style") == [])
            for element in checked.elements {
                for (name, value) in element.attributes {
                    #expect(name != "style" && !name.hasPrefix("on"), "\(name)")
                    if name == "src" || name == "href" {
                        #expect(
                            (value.hasPrefix("/") && !value.hasPrefix("//"))
                                || value.hasPrefix("#") || value.hasPrefix("?"), "\(value)")
                    }
                }
            }
        }
        for asset in Dashboard.assets where !asset.contentType.hasPrefix("image/") {
            #expect(!String(decoding: asset.bytes, as: UTF8.self).contains("http"))
        }
    }

    @Test func `every file of a page is served, under a name with its hash`() {
        let served = Set(Dashboard.assets.map(\.path))
        #expect(served.count == 3)
        for page in Self.pages(SampleReport.whole) {
            let named = MarkupChecker(page).elements
                .compactMap { $0.attributes["href"] ?? $0.attributes["src"] }
                .filter { $0.hasPrefix("/assets/") }
            #expect(named.count >= 2)
            #expect(named.allSatisfy(served.contains))
        }
        for asset in Dashboard.assets {
            #expect(asset.path.contains(/^\/assets\/[a-z]+-[0-9a-f]{16}\.(css|js|svg)$/))
            #expect(asset.bytes.count > 100)
        }
    }

    @Test func `the policy allows only this site, and nothing unsafe`() {
        for policy in [
            Dashboard.contentSecurityPolicy, Dashboard.embedContentSecurityPolicy,
        ] {
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'; "))
            #expect(!policy.contains("unsafe"))
            #expect(!policy.contains("http"))
        }
        #expect(Dashboard.contentSecurityPolicy.hasSuffix("frame-ancestors 'none'"))
        #expect(Dashboard.embedContentSecurityPolicy.hasSuffix("frame-ancestors *"))
    }

    @Test func `ids are unique in a page, and every reference has a target`() {
        for page in Self.pages(SampleReport.degraded) {
            let checked = MarkupChecker(page)
            let ids = checked.elements.compactMap { $0.attributes["id"] }
            #expect(Set(ids).count == ids.count)
            for element in checked.elements {
                let named = (element.attributes["aria-labelledby"] ?? "").split(separator: " ")
                #expect(named.allSatisfy { ids.contains(String($0)) }, "\(named)")
                if let target = element.attributes["href"], target.hasPrefix("#") {
                    #expect(ids.contains(String(target.dropFirst())))
                }
                if element.attributes["data-part"] != nil {
                    #expect(element.attributes["id"] != nil)
                }
            }
        }
    }

    @Test func `a badge fits its whole text, and has a title but no style sheet`() throws {
        for (base, text) in [
            (SampleReport.usd, "421,873,912,504.50 USD"),
            (SampleReport.jpy, "42,187,391,250,450 JPY"),
            (SampleReport.kwd, "42,187,391,250.450 KWD"),
        ] {
            let badge = MarkupChecker(Dashboard.badge(SampleReport.whole, base: base))
            #expect(badge.text.contains(text))
            let root = try #require(badge.elements.first)
            #expect(root.attributes["role"] == "img")
            let width = try #require(Int(root.attributes["width"] ?? ""))
            let fields = badge.all("rect").dropFirst().compactMap {
                Int($0.attributes["width"] ?? "")
            }
            #expect(fields.reduce(0, +) == width)
            for field in badge.all("text") {
                let length = try #require(Int(field.attributes["textLength"] ?? ""))
                #expect(length > 50 && length < width)
            }
        }
        let degraded = Dashboard.badge(SampleReport.degraded, base: SampleReport.usd)
        #expect(MarkupChecker(degraded).text.contains("not current"))
    }

    @Test func `oEmbed is JSON with a frame, even with a hostile origin`() throws {
        for origin in ["https://pay.example", "https://\(Self.hostile)\\\u{2028}"] {
            let answer = Dashboard.oEmbed(origin: origin, base: SampleReport.eur)
            let object = try JSONSerialization.jsonObject(with: Data(answer.utf8))
            let fields = try #require(object as? [String: Any])
            #expect(fields["type"] as? String == "rich")
            #expect(fields["version"] as? String == "1.0")
            #expect(fields["provider_url"] as? String == origin)
            let frame = MarkupChecker(try #require(fields["html"] as? String))
            #expect(frame.problems == [])
            #expect(frame.elements.map(\.name) == ["iframe"])
            #expect(
                frame.elements[0].attributes["src"]?.hasSuffix("/embed?base_currency=EUR") == true)
        }
    }

    @Test func `a page names its address, and its embed if the site is known`() {
        for (origin, addresses) in [
            (nil, []),
            (
                "https://pay.example",
                [
                    "https://pay.example/oembed?url=https%3A%2F%2Fpay%2Eexample%2F%3Fbase"
                        + "%5Fcurrency%3DEUR&format=json"
                ]
            ),
        ] {
            let page = MarkupChecker(
                Dashboard.page(
                    SampleReport.whole, base: SampleReport.eur, view: .standard, origin: origin))
            let links = page.all("link", ["type": "application/json+oembed"])
            #expect(links.map { $0.attributes["href"] } == addresses)
            #expect(
                page.all("link", ["rel": "canonical"]).map { $0.attributes["href"] } == [
                    (origin ?? "") + "/?base_currency=EUR"
                ])
        }
    }

    @Test func `the methodology explains every rule and every reason`() {
        let page = MarkupChecker(Dashboard.methodology())
        for word in [
            "settled", "gross", "Reversals", "Fees", "test transfers", "1,440", "late money",
            "identifier", "half to even", "ISO 4217", "data_as_of", "Known gaps",
            "region_silent", "region_lagging", "region_missing", "partitions_missing",
            "incomplete", "ahead", "rejecting", "late_money", "drift", "skew",
            "store_refilling", "store_loss", "store_unreachable", "topology_old", "rates_stale",
        ] { #expect(page.text.contains(word), "\(word)") }
    }
}
