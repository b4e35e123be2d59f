import Addresses
import Foundation
import Identifiers
import Money
import Testing
import Topology
import TopologyFile

@Suite struct TopologyFileTests {
    @Test func `a minimal topology gets the documented defaults`() throws {
        try TemporaryFolder.with([
            "topology.yaml": TopologyFixture.topology, "regions/a.yaml": TopologyFixture.region,
        ]) {
            folder in
            let topology = try TopologyFile.load(path: "\(folder.path)/topology.yaml")
            #expect(topology.currencies.map(\.code) == ["USD", "EUR", "JPY"])
            #expect(topology.unconverted == [])
            #expect(topology.baseCurrencies == topology.currencies)
            #expect(topology.defaultBase.code == "USD")
            #expect(topology.headquarters.map(\.description) == ["http://127.0.0.1:8081"])
            #expect(topology.listeners == Listeners())
            #expect(topology.redis == .tcp(HostPort(host: "127.0.0.1", port: 6379)))
            #expect(topology.rates == nil)
            #expect(topology.thresholds == Thresholds())
            #expect(topology.pace == PublishingPace())
            #expect(topology.idKeyFile == "\(folder.path)/id.key")
            #expect(
                topology.regions == [
                    Region(
                        id: RegionID(unchecked: "a"),
                        kafka: ["bootstrap.servers": "127.0.0.1:9092"],
                        topic: "transaction.settled", group: "metrics-viz",
                        deadLetterTopic: "transaction.settled.dlq",
                        logs: [RegionLog(id: LogID(unchecked: "main"), partitions: 6)],
                        timestamps: .broker, isRelayed: false, generation: 1, state: .active)
                ])
        }
    }

    @Test func `a byte order mark is skipped, and a withdrawn code gives a warning`() throws {
        let text = TopologyFixture.topology.replacing("[USD, EUR, JPY]", with: "[USD, BGN, EUR]")
        try TemporaryFolder.with([
            "topology.yaml": "\u{FEFF}" + text, "regions/a.yaml": TopologyFixture.region,
        ]) { folder in
            var warnings: [String] = []
            let path = "\(folder.path)/topology.yaml"
            let topology = try TopologyFile.load(path: path) {
                warnings.append(folder.shortened("\($0)"))
            }
            #expect(topology.currencies.count == 3)
            let rule = "expected a current code, but BGN was withdrawn in 2026-01"
            #expect(
                warnings == [
                    "topology.yaml:3: currencies[1]: \(rule)",
                    "topology.yaml:1: base_currencies[1]: \(rule)",
                ])
        }
    }

    @Test func `every key is read`() throws {
        let topology =
            TopologyFixture.topology + """
                unconverted: [JPY]
                base_currencies: [EUR, USD]
                default_base_currency: USD
                listeners: {public: "0.0.0.0:80", ingest: "127.0.0.1:81", admin: "[::1]:82"}
                fx: {file: /rates.json, stale_after: 26h}
                thresholds:
                  heartbeat: 500ms
                  silent_after: 4s
                  degraded_lag: 1m
                  alert_lag: 24h
                  minimum_transfers: 9
                pace: {refresh_min: 100ms, refresh_max: 2s, event_min: 1s}

                """
        let region =
            TopologyFixture.region + """
                  # in hexadecimal order of importance
                state: retired
                topic: settled
                group: readers
                dlq_topic: rejected
                timestamps: trusted
                relayed: true
                admin_urls: [http://127.0.0.1:9000, https://node.example.net]
                ledger: host=127.0.0.1 dbname=ledger
                key_file: keys/a.key
                push_interval: 1s
                exponents: {ISK: 2, HUF: 0}

                """
        try TemporaryFolder.with(["topology.yaml": topology, "regions/a.yaml": region]) { folder in
            let topology = try TopologyFile.load(path: "\(folder.path)/topology.yaml")
            #expect(topology.unconverted.map(\.code) == ["JPY"])
            #expect(topology.baseCurrencies.map(\.code) == ["EUR", "USD"])
            #expect(topology.defaultBase.code == "USD")
            #expect(topology.listeners.publicAPI == HostPort(host: "0.0.0.0", port: 80))
            #expect(topology.listeners.ingest == HostPort(host: "127.0.0.1", port: 81))
            #expect(topology.listeners.admin == HostPort(host: "::1", port: 82))
            #expect(
                topology.rates == RatesSource(file: "/rates.json", staleAfter: .seconds(93_600)))
            #expect(topology.thresholds.heartbeat == .milliseconds(500))
            #expect(topology.thresholds.silentAfter == .seconds(4))
            #expect(topology.thresholds.degradedLag == .seconds(60))
            #expect(topology.thresholds.alertLag == .seconds(86_400))
            #expect(topology.thresholds.minimumTransfers == 9)
            #expect(topology.pace.refreshMin == .milliseconds(100))
            #expect(topology.pace.refreshMax == .seconds(2))
            #expect(topology.pace.eventMin == .seconds(1))
            let region = try #require(topology.region(RegionID(unchecked: "a")))
            #expect(region.state == .retired)
            #expect(region.topic == "settled")
            #expect(region.group == "readers")
            #expect(region.deadLetterTopic == "rejected")
            #expect(region.timestamps == .trusted)
            #expect(region.isRelayed)
            #expect(
                region.adminURLs.map(\.description)
                    == ["http://127.0.0.1:9000", "https://node.example.net:443"])
            #expect(region.ledger == "host=127.0.0.1 dbname=ledger")
            #expect(region.pushInterval == .seconds(1))
            #expect(region.keyFile == "\(folder.path)/keys/a.key")
            #expect(
                Dictionary(uniqueKeysWithValues: region.exponents.map { ($0.key.code, $0.value) })
                    == ["ISK": 2, "HUF": 0])
        }
    }

    @Test func `unknown keys are reported with the known ones`() throws {
        #expect(
            try TopologyFixture.complaints(topology: TopologyFixture.topology + "redis_host: x\n")
                == [
                    "topology.yaml:9: redis_host: expected one of the keys base_currencies,"
                        + " currencies, default_base_currency, fx, generation, hq, id_key_file,"
                        + " listeners, pace, redis, regions, thresholds, unconverted"
                ])
        #expect(
            try TopologyFixture.complaints(
                region: TopologyFixture.region.replacing("partitions", with: "partition_count"))
                == [
                    "regions/a.yaml:6: logs[0].partition_count: expected one of the keys continues,"
                        + " id, partitions, replaces"
                ])
    }

    @Test func `missing keys are reported with their expected values`() throws {
        #expect(
            try TopologyFixture.complaints(topology: "regions: [regions/a.yaml]\nredis: {}\n") == [
                "topology.yaml:1: currencies: expected a list: each a currency code of ISO 4217 in"
                    + " upper case, but the key is missing",
                "topology.yaml:1: hq: expected a list: each a URL such as https://host:port, but"
                    + " the key is missing",
                "topology.yaml:1: id_key_file: expected the path of a file, but the key is missing",
                "topology.yaml:2: redis.address: expected host:port or unix:/path, but the key is"
                    + " missing",
            ])
        #expect(
            try TopologyFixture.complaints(region: "topic: x\n") == [
                "regions/a.yaml:1: generation: expected an integer of at least 1, but the key is"
                    + " missing",
                "regions/a.yaml:1: id: expected 1 to 32 of the characters a-z, 0-9 and -, but the"
                    + " key is missing",
                "regions/a.yaml:1: kafka: expected librdkafka properties, but the key is"
                    + " missing",
                "regions/a.yaml:1: logs: expected a list: each a log with the keys id and"
                    + " optionally partitions, continues, but the key is missing",
            ])
    }

    @Test func `repeated keys are reported with all other problems`() throws {
        let region =
            TopologyFixture.region
            + "topic: one\ncolour: red\n\"topic\": two\ntopic: three\nstate: gone\n"
            + "exponents: {HUF: 0, ISK: 1, 'HUF': 2}\n"
        #expect(
            try TopologyFixture.complaints(region: region) == [
                "regions/a.yaml:9: colour: expected one of the keys admin_urls, dlq_topic,"
                    + " exponents, generation, group, id, kafka, key_file, ledger, logs,"
                    + " push_interval, relayed, state, timestamps, topic",
                "regions/a.yaml:10: topic: expected each key once, but it is also on line 8",
                "regions/a.yaml:11: topic: expected each key once, but it is also on line 8",
                "regions/a.yaml:12: state: expected one of active, retired",
                "regions/a.yaml:13: exponents.HUF: expected each key once, but it is also on line"
                    + " 13",
            ])
    }

    @Test(arguments: [
        (
            "hq:\n  - http://127.0.0.1:8081", "hq: http://127.0.0.1:8081",
            "4: hq: expected a list: each a URL such as https://host:port"
        ),
        (
            "hq:\n  - http://127.0.0.1:8081", "hq: {a: b}",
            "4: hq: expected a list: each a URL such as https://host:port"
        ),
        (
            "  - http://127.0.0.1:8081", "  - [http://127.0.0.1:8081]",
            "5: hq[0]: expected a URL such as https://host:port"
        ),
        (
            "  - http://127.0.0.1:8081", "  - 127.0.0.1:8081",
            "5: hq[0]: expected a URL such as https://host:port"
        ),
        (
            "redis:\n  address: 127.0.0.1:6379", "redis: 127.0.0.1:6379",
            "6: redis: expected a mapping of keys to values"
        ),
        (
            "address: 127.0.0.1:6379", "address: [127.0.0.1:6379]",
            "7: redis.address: expected host:port or unix:/path"
        ),
        (
            "address: 127.0.0.1:6379", "address: 127.0.0.1:06379",
            "7: redis.address: expected host:port or unix:/path"
        ),
        (
            "address: 127.0.0.1:6379", "address:",
            "7: redis.address: expected host:port or unix:/path"
        ),
        (
            "id_key_file: id.key", "id_key_file: [id.key]",
            "8: id_key_file: expected the path of a file"
        ),
        ("id_key_file: id.key", "id_key_file:", "8: id_key_file: expected the path of a file"),
        (
            "[USD, EUR, JPY]", "[USD, eur, JPY]",
            "3: currencies[1]: expected a currency code of ISO 4217 in upper case"
        ),
        (
            "[USD, EUR, JPY]", "[USD, NO, JPY]",
            "3: currencies[1]: expected a currency code of ISO 4217 in upper case"
        ),
        (
            "[USD, EUR, JPY]", "USD",
            "3: currencies: expected a list: each a currency code of ISO 4217 in upper case"
        ),
        (
            "id_key_file: id.key", "id_key_file: &key id.key",
            "8: id_key_file: expected no anchor and no alias"
        ),
        ("id_key_file: id.key", "id_key_file: !secret id.key", "8: id_key_file: expected no tag"),
        (
            "id_key_file: id.key", "? [id_key_file]\n: id.key\nid_key_file: id.key",
            "8: file: expected plain text as key"
        ),
    ])
    func `wrong types and values are reported at their line`(
        part: String, replacement: String, complaint: String
    ) throws {
        #expect(
            try TopologyFixture.complaints(
                topology: TopologyFixture.topology.replacing(part, with: replacement))
                == ["topology.yaml:\(complaint)"])
    }

    @Test(arguments: [
        "generation: 010", "generation: 1_000", "generation: 0x1F", "generation: +1",
        "generation: -1", "generation: 1.0", "generation: 1e3", "generation: 4294967296",
        "generation: yes", "generation: ''", "generation: [1]",
    ])
    func `integers are plain digits, whatever YAML allows`(line: String) throws {
        #expect(
            try TopologyFixture.complaints(
                region: TopologyFixture.region.replacing("generation: 1", with: line))
                == ["regions/a.yaml:7: generation: expected an integer of at least 1"])
    }

    @Test(arguments: ["010", "0x6", "1_0", "6.0", "six"])
    func `a count of partitions is plain digits`(text: String) throws {
        #expect(
            try TopologyFixture.complaints(
                region: TopologyFixture.region.replacing(
                    "partitions: 6", with: "partitions: \(text)"))
                == ["regions/a.yaml:6: logs[0].partitions: expected an integer from 1 to 1024"])
    }

    @Test func `no is neither a flag nor a currency`() throws {
        let found = try TopologyFixture.complaints(
            topology: TopologyFixture.topology.replacing("[USD, EUR, JPY]", with: "[NO]"),
            region: TopologyFixture.region + "relayed: no\n")
        #expect(
            found.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "topology.yaml:3: currencies[0]:", "regions/a.yaml:8: relayed:",
            ])
    }

    @Test(arguments: ["24:00", "10", "10 s", "s", "1.5s", "-1s", "1h30m", "0b1s", "1S", "08s"])
    func `times have a unit, whatever YAML allows`(text: String) throws {
        #expect(
            try TopologyFixture.complaints(
                topology: TopologyFixture.topology + "thresholds:\n  alert_lag: \(text)\n")
                == [
                    "topology.yaml:10: thresholds.alert_lag: expected a duration such as"
                        + " 500ms, 2s, 10m or 24h"
                ])
    }

    @Test(arguments: ["no", "012"])
    func `a region may be called no or 012, and properties are verbatim`(id: String) throws {
        let region = TopologyFixture.region.replacing("id: a", with: "id: \(id)").replacing(
            "logs:", with: "  retries: 010\n  enable.ssl: yes\n  client.id: ~\n  x: 24:00\nlogs:")
        try TemporaryFolder.with([
            "topology.yaml": TopologyFixture.topology, "regions/a.yaml": region,
        ]) {
            folder in
            let topology = try TopologyFile.load(path: "\(folder.path)/topology.yaml")
            #expect(topology.regions[0].id.name == id)
            #expect(
                topology.regions[0].kafka == [
                    "bootstrap.servers": "127.0.0.1:9092", "retries": "010", "enable.ssl": "yes",
                    "client.id": "~", "x": "24:00",
                ])
        }
    }

    @Test func `a property that is not text is refused without showing it`() throws {
        let region = TopologyFixture.region.replacing(
            "logs:", with: "  sasl.password: [canary]\nlogs:")
        let found = try TopologyFixture.complaints(region: region)
        #expect(
            found == [
                "regions/a.yaml:4: kafka.sasl.password: expected the property's value as plain text"
            ])
    }

    @Test func `problems never repeat a value`() throws {
        let found = try TopologyFixture.complaints(
            topology: TopologyFixture.topology.replacing(
                "http://127.0.0.1:8081", with: "http://user:canary@127.0.0.1:8081"
            ).replacing("127.0.0.1:6379", with: "redis://:canary@127.0.0.1"))
        #expect(found.count == 2)
        #expect(!found.joined().contains("canary"))
    }

    @Test func `impossible values are reported with their place, in all files at once`() throws {
        let topology =
            TopologyFixture.topology.replacing(
                "  - regions/a.yaml", with: "  - regions/a.yaml\n  - b.yaml")
            + "unconverted: [GBP]\nlisteners:\n  ingest: 0.0.0.0:8081\nspeed: 9\n"
        let region = TopologyFixture.region.replacing(
            "id: main", with: "id: main\n    continues: main"
        )
        .replacing("logs:", with: "  group.id: x\nlogs:")
        #expect(
            try TopologyFixture.complaints(
                topology: topology, region: region, more: ["b.yaml": TopologyFixture.region]) == [
                    "topology.yaml:3: regions[1]: expected each region id once",
                    "topology.yaml:10: unconverted[0]: expected a currency listed under currencies",
                    "topology.yaml:12: listeners.ingest: expected a loopback address,"
                        + " because requests to it are not signed yet",
                    "topology.yaml:13: speed: expected one of the keys base_currencies, currencies,"
                        + " default_base_currency, fx, generation, hq, id_key_file, listeners,"
                        + " pace, redis, regions, thresholds, unconverted",
                    "regions/a.yaml:4: kafka.group.id: expected the key group instead of this"
                        + " property",
                    "regions/a.yaml:7: logs[0].continues: expected no such key: the first log"
                        + " has no predecessor",
                ])
    }

    @Test func `unreadable values do not make other keys wrong`() throws {
        // Without readable currencies, base currencies are not checked.
        #expect(
            try TopologyFixture.complaints(
                topology: TopologyFixture.topology.replacing("[USD, EUR, JPY]", with: "[usd]")
                    + "base_currencies: [USD]\n") == [
                    "topology.yaml:3: currencies[0]: expected a currency code of ISO 4217 in upper"
                        + " case"
                ])
    }

    @Test func `a log either continues or replaces`() throws {
        let region = TopologyFixture.region.replacing(
            "generation:",
            with: "  - id: next\n    continues: main\n    replaces: main\ngeneration:")
        #expect(
            try TopologyFixture.complaints(region: region) == [
                "regions/a.yaml:9: logs[1].replaces: expected either continues or replaces, not"
                    + " both"
            ])
    }

    @Test func `exponents are given by currency`() throws {
        #expect(
            try TopologyFixture.complaints(
                region: TopologyFixture.region + "exponents:\n  ISK: two\n  BTC: 8\n") == [
                    "regions/a.yaml:9: exponents.ISK: expected an integer from 0 to 9",
                    "regions/a.yaml:10: exponents.BTC: expected a currency code of ISO 4217 in"
                        + " upper case as key",
                ])
    }

    /// Loads a region file with these lines at its end.
    private func region(_ lines: String) throws -> Region {
        try TemporaryFolder.with([
            "topology.yaml": TopologyFixture.topology,
            "regions/a.yaml": TopologyFixture.region + lines,
        ]) { try TopologyFile.load(path: "\($0.path)/topology.yaml").regions[0] }
    }

    @Test func `the ledger's words for settled are read`() throws {
        #expect(try region("").settledWords == ["settled", "SETTLED"])
        #expect(try region("ledger: host=db\n").settledWords == ["settled", "SETTLED"])
        #expect(
            try region("ledger: {connection: host=db}\n").settledWords == ["settled", "SETTLED"])
        #expect(try region("ledger: {connection: host=db}\n").ledger == "host=db")
        let both = try region("ledger:\n  settled: [NO, 010, gebucht]\n  connection: host=db\n")
        #expect(both.settledWords == ["NO", "010", "gebucht"])
        #expect(both.ledger == "host=db")
        #expect(try region("ledger: {settled: [booked]}\n").ledger == nil)
    }

    @Test(
        arguments: [
            ("ledger: [settled]", ["8: ledger: expected the ledger's address"]),
            (
                "ledger:\n  settled: booked",
                ["9: ledger.settled: expected a list: each a word that means settled"]
            ),
            ("ledger:\n  settled: []", ["9: ledger.settled: expected 1 to 16 words"]),
            ("ledger:\n  settled: [a, b, a]", ["9: ledger.settled[2]: expected each word once"]),
            (
                "ledger:\n  settled: [a, '']",
                ["9: ledger.settled[1]: expected a word that means settled"]
            ),
            (
                "ledger:\n  settled: [\(String(repeating: "x", count: 65))]",
                ["9: ledger.settled[0]: expected a word of 1 to 64 bytes"]
            ),
            (
                "ledger:\n  host: db",
                ["9: ledger.host: expected one of the keys connection, settled"]
            ),
        ] as [(String, [String])])
    func `meaningless words for settled are refused`(lines: String, complaints: [String]) throws {
        #expect(
            try TopologyFixture.complaints(region: TopologyFixture.region + lines + "\n")
                == complaints.map { "regions/a.yaml:\($0)" })
    }
}
