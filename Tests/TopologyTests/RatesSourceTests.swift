import Addresses
import Money
import Testing
import Topology
import TopologyFile

/// The mapping `fx` of a topology file.
@Suite struct RatesSourceTests {
    private static func source(_ fx: String) throws -> RatesSource? {
        try TemporaryFolder.with([
            "topology.yaml": TopologyFixture.topology + "fx:\n\(indented(fx))\n",
            "regions/a.yaml": TopologyFixture.region,
        ]) { folder in
            var source = try TopologyFile.load(path: "\(folder.path)/topology.yaml").rates
            if let file = source?.appIDFile { source?.appIDFile = folder.shortened(file) }
            if let file = source?.file { source?.origin = .file(folder.shortened(file)) }
            return source
        }
    }

    private static func complaints(_ fx: String) throws -> [String] {
        try TopologyFixture.complaints(
            topology: TopologyFixture.topology + "fx:\n\(indented(fx))\n")
    }

    private static func indented(_ fx: String) -> String {
        fx.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    }

    @Test func `a provider's name is enough, and the defaults are documented`() throws {
        let bank = try #require(try Self.source("source: ecb"))
        #expect(
            bank.origin
                == .provider(
                    .europeanCentralBank,
                    try #require(
                        ResourceURL(
                            "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"))))
        #expect(bank.refresh == .seconds(900))
        #expect(bank.staleAfter == .seconds(7_200))
        #expect(bank.jumpFactorMax == (try ExchangeRate("1.5")))
        #expect(!bank.allowsPlainHTTP)
        #expect(bank.appIDFile == nil)
        #expect(bank.file == nil)
        let frankfurter = try #require(try Self.source("source: frankfurter"))
        #expect(frankfurter.refresh == .seconds(900))
        let open = try #require(
            try Self.source("source: open_exchange_rates\napp_id_file: app.id"))
        #expect(open.refresh == .seconds(3_600))
        #expect(open.appIDFile == "app.id")
    }

    @Test func `a file keeps its own defaults`() throws {
        let file = try #require(try Self.source("file: rates.json"))
        #expect(file == RatesSource(file: "rates.json"))
        #expect(file.jumpFactorMax == nil)
        #expect(file.staleAfter == nil)
        #expect(file.refresh == .seconds(1))
    }

    @Test func `a second provider and a file of accepted rates are witnesses`() throws {
        let source = try #require(
            try Self.source(
                """
                source: ecb
                second:
                  source: frankfurter
                  refresh: 1h
                accept_file: accepted.json
                """))
        #expect(source.witnesses.count == 2)
        let second = try #require(source.witnesses.first)
        #expect(
            second.origin
                == .provider(
                    .frankfurter,
                    try #require(ResourceURL("https://api.frankfurter.dev/v1/latest"))))
        #expect(second.refresh == .seconds(3_600))
        #expect(source.witnesses.last?.file?.hasSuffix("/accepted.json") == true)
        #expect(
            try Self.complaints("source: ecb\nsecond:\n  source: ecb\n  refresh: 1s")
                == ["topology.yaml:13: fx.second.refresh: expected a duration of 1m to 24h"])
        #expect(
            try Self.complaints("source: ecb\nsecond:\n  source: ecb\n  file: a")
                == [
                    "topology.yaml:13: fx.second.file: expected one of the keys"
                        + " allow_http, app_id_file, refresh, source, url"
                ])
    }

    @Test func `every key is read`() throws {
        let source = try #require(
            try Self.source(
                """
                source: open_exchange_rates
                url: http://127.0.0.1:8123/latest.json?base=EUR
                app_id_file: /run/secrets/app.id
                refresh: 2h
                allow_http: true
                jump_factor_max: 1.25
                stale_after: 30m
                """))
        let url = try #require(ResourceURL("http://127.0.0.1:8123/latest.json?base=EUR"))
        #expect(source.origin == .provider(.openExchangeRates, url))
        #expect(source.appIDFile == "/run/secrets/app.id")
        #expect(source.refresh == .seconds(7_200))
        #expect(source.allowsPlainHTTP)
        #expect(source.jumpFactorMax == (try ExchangeRate("1.25")))
        #expect(source.staleAfter == .seconds(1_800))
        let file = try #require(
            try Self.source("file: a.json\njump_factor_max: 3\nrefresh: 10s\nstale_after: 26h"))
        #expect(file.jumpFactorMax == (try ExchangeRate("3")))
        #expect(file.refresh == .seconds(10))
    }

    @Test(arguments: [
        (
            "stale_after: 26h",
            ["9: fx.file: expected the path of a file, or the key source, but both are missing"]
        ),
        ("file: a\nsource: ecb", ["11: fx.source: expected either file or source, not both"]),
        (
            "source: fixer",
            ["10: fx.source: expected one of ecb, frankfurter, open_exchange_rates"]
        ),
        (
            "source: ecb\nurl: https://user:canary@ecb.example/a",
            ["11: fx.url: expected a URL such as https://host/path"]
        ),
        (
            "source: ecb\nurl: http://ecb.example/a",
            ["11: fx.url: expected an https URL, unless allow_http is true"]
        ),
        (
            "source: ecb\nurl: http://127.0.0.1/a",
            ["11: fx.url: expected an https URL, unless allow_http is true"]
        ),
        (
            "source: open_exchange_rates",
            ["9: fx.app_id_file: expected the path of the file with the app id"]
        ),
        (
            "source: ecb\napp_id_file: a",
            ["11: fx.app_id_file: expected no such key: this source needs no app id"]
        ),
        (
            "source: open_exchange_rates\napp_id_file: a\nurl: https://a.example/?app_id=canary",
            ["12: fx.url: expected no app_id in the URL: the key app_id_file names its file"]
        ),
        (
            "source: open_exchange_rates\napp_id_file: a\nallow_http: true\nurl: http://a.example",
            ["13: fx.url: expected an https URL, because an app id must not travel unencrypted"]
        ),
        ("source: ecb\nallow_http: yes", ["11: fx.allow_http: expected true or false"]),
        ("source: ecb\nrefresh: 59s", ["11: fx.refresh: expected a duration of 1m to 24h"]),
        ("source: ecb\nrefresh: 25h", ["11: fx.refresh: expected a duration of 1m to 24h"]),
        ("file: a\nrefresh: 0ms", ["11: fx.refresh: expected a duration of 100ms to 24h"]),
        ("source: ecb\nstale_after: 0s", ["11: fx.stale_after: expected a duration of 1m to 720h"]),
        (
            "source: ecb\nstale_after: 721h",
            ["11: fx.stale_after: expected a duration of 1m to 720h"]
        ),
        (
            "source: ecb\njump_factor_max: 1",
            ["11: fx.jump_factor_max: expected a factor above 1, such as 1.5"]
        ),
        (
            "source: ecb\njump_factor_max: 1e0",
            ["11: fx.jump_factor_max: expected a factor above 1, such as 1.5"]
        ),
        (
            "file: a\nurl: https://a.example",
            [
                "11: fx.url: expected one of the keys accept_file, file, jump_factor_max,"
                    + " refresh, second, source, stale_after"
            ]
        ),
        (
            "source: ecb\ncurrency: EUR",
            [
                "11: fx.currency: expected one of the keys accept_file, allow_http,"
                    + " app_id_file, file, jump_factor_max, refresh, second, source,"
                    + " stale_after, url"
            ]
        ),
    ])
    func `problems have line and key, and repeat no value`(
        fx: String, expected: [String]
    ) throws {
        let found = try Self.complaints(fx)
        #expect(found == expected.map { "topology.yaml:\($0)" })
        #expect(!found.joined().contains("canary"))
    }

    @Test(arguments: [
        ("https://a.example/b/c.xml?d=e&f", "https://a.example:443/b/c.xml?d=e&f"),
        ("https://a.example", "https://a.example:443/"),
        ("https://a.example?b=c", "https://a.example:443/?b=c"),
        ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a"),
        ("https://[::1]:8443/a", "https://[::1]:8443/a"),
    ])
    func `URLs of documents are parsed`(text: String, expected: String) throws {
        #expect(try #require(ResourceURL(text)).description == expected)
    }

    @Test(arguments: [
        "", "a.example/b", "ftp://a.example/b", "https://", "https:///b", "https://a b/",
        "https://a.example/b c", "https://a.example/#b", "https://a@b.example/", "https://a:0/",
        "https://a.example/\u{E9}", "https://a.example/\"", "https://a.example/\r\nX: y",
        "https://a.example/" + String(repeating: "a", count: 1_024),
    ])
    func `other URLs are refused`(text: String) {
        #expect(ResourceURL(text) == nil)
    }
}
