import Foundation
import Money
import Testing
import Topology
import TopologyFile

@Suite struct TopologyFileTests {
    /// Line numbers in the tests below count these lines.
    static let topology = """
        regions:
          - regions/a.yaml
        currencies: [USD, EUR, JPY]
        hq:
          - http://127.0.0.1:8081
        redis:
          address: 127.0.0.1:6379
        id_key_file: id.key

        """
    static let region = """
        id: a
        kafka:
          bootstrap.servers: 127.0.0.1:9092
        logs:
          - id: main
            partitions: 6
        generation: 1

        """

    /// What loading says about these files, a line for each problem.
    private func complaints(
        topology: String = topology, region: String = region, more: [String: String] = [:]
    ) throws -> [String] {
        let files = ["topology.yaml": topology, "regions/a.yaml": region]
            .merging(more) { $1 }
        return try TemporaryFolder.with(files) { folder in
            do {
                _ = try TopologyFile.load(path: "\(folder.path)/topology.yaml")
                return []
            } catch let error as TopologyFileError {
                return folder.shortened(error.description).split(separator: "\n").map(String.init)
            }
        }
    }

    @Test func `the least that can be said gets the documented defaults`() throws {
        try TemporaryFolder.with(["topology.yaml": Self.topology, "regions/a.yaml": Self.region]) {
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
            #expect(topology.idKeyFile == "\(folder.path)/id.key")
            #expect(
                topology.regions == [
                    Region(
                        id: RegionID(unchecked: "a"),
                        kafka: ["bootstrap.servers": "127.0.0.1:9092"],
                        topic: "transaction.settled", group: "metrics-viz",
                        deadLetterTopic: "transaction.settled.dlq",
                        logs: [RegionLog(id: LogID(unchecked: "main"), partitions: 6)],
                        timestamps: .broker, generation: 1, state: .active)
                ])
        }
    }

    @Test func `everything that can be said is read`() throws {
        let topology =
            Self.topology + """
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

                """
        let region =
            Self.region + """
                  # in hexadecimal order of importance
                state: retired
                topic: settled
                group: readers
                dlq_topic: rejected
                timestamps: trusted
                admin_urls: [http://127.0.0.1:9000, https://node.example.net]
                ledger: host=127.0.0.1 dbname=ledger
                key_file: keys/a.key
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
            let region = try #require(topology.region(RegionID(unchecked: "a")))
            #expect(region.state == .retired)
            #expect(region.topic == "settled")
            #expect(region.group == "readers")
            #expect(region.deadLetterTopic == "rejected")
            #expect(region.timestamps == .trusted)
            #expect(
                region.adminURLs.map(\.description)
                    == ["http://127.0.0.1:9000", "https://node.example.net:443"])
            #expect(region.ledger == "host=127.0.0.1 dbname=ledger")
            #expect(region.keyFile == "\(folder.path)/keys/a.key")
            #expect(
                Dictionary(uniqueKeysWithValues: region.exponents.map { ($0.key.code, $0.value) })
                    == ["ISK": 2, "HUF": 0])
        }
    }

    @Test func `unknown keys are named with those that are known`() throws {
        #expect(
            try complaints(topology: Self.topology + "redis_host: x\n") == [
                "topology.yaml:9: redis_host: expected one of the keys base_currencies,"
                    + " currencies, default_base_currency, fx, hq, id_key_file, listeners, redis,"
                    + " regions, thresholds, unconverted"
            ])
        #expect(
            try complaints(
                region: Self.region.replacing("partitions", with: "partition_count")) == [
                    "regions/a.yaml:6: logs[0].partition_count: expected one of the keys continues,"
                        + " id, partitions, replaces"
                ])
    }

    @Test func `missing keys are named with what they hold`() throws {
        #expect(
            try complaints(topology: "regions: [regions/a.yaml]\nredis: {}\n") == [
                "topology.yaml:1: currencies: expected a list: each a currency code of ISO 4217 in"
                    + " upper case, but the key is missing",
                "topology.yaml:1: hq: expected a list: each a URL as https://host:port, but the key"
                    + " is missing",
                "topology.yaml:1: id_key_file: expected the path of a file, but the key is missing",
                "topology.yaml:2: redis.address: expected host:port or unix:/path, but the key is"
                    + " missing",
            ])
        #expect(
            try complaints(region: "topic: x\n") == [
                "regions/a.yaml:1: generation: expected an integer from 1 up, but the key is"
                    + " missing",
                "regions/a.yaml:1: id: expected 1 to 32 of the characters a-z, 0-9 and -, but the"
                    + " key is missing",
                "regions/a.yaml:1: kafka: expected properties of librdkafka, but the key is"
                    + " missing",
                "regions/a.yaml:1: logs: expected a list: each a log with the keys id and, if need"
                    + " be, partitions, continues, but the key is missing",
            ])
    }

    @Test func `repeated keys are reported beside every other problem`() throws {
        let region =
            Self.region + "topic: one\ncolour: red\n\"topic\": two\ntopic: three\nstate: gone\n"
            + "exponents: {HUF: 0, ISK: 1, 'HUF': 2}\n"
        #expect(
            try complaints(region: region) == [
                "regions/a.yaml:9: colour: expected one of the keys admin_urls, dlq_topic,"
                    + " exponents, generation, group, id, kafka, key_file, ledger, logs, state,"
                    + " timestamps, topic",
                "regions/a.yaml:10: topic: expected each key once, but it stands on line 8",
                "regions/a.yaml:11: topic: expected each key once, but it stands on line 8",
                "regions/a.yaml:12: state: expected one of active, retired",
                "regions/a.yaml:13: exponents.HUF: expected each key once, but it stands on line"
                    + " 13",
            ])
    }

    @Test(arguments: [
        (
            "hq:\n  - http://127.0.0.1:8081", "hq: http://127.0.0.1:8081",
            "4: hq: expected a list: each a URL as https://host:port"
        ),
        (
            "hq:\n  - http://127.0.0.1:8081", "hq: {a: b}",
            "4: hq: expected a list: each a URL as https://host:port"
        ),
        (
            "  - http://127.0.0.1:8081", "  - [http://127.0.0.1:8081]",
            "5: hq[0]: expected a URL as https://host:port"
        ),
        (
            "  - http://127.0.0.1:8081", "  - 127.0.0.1:8081",
            "5: hq[0]: expected a URL as https://host:port"
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
    func `wrong types and values are named at their line`(
        part: String, replacement: String, complaint: String
    ) throws {
        #expect(
            try complaints(topology: Self.topology.replacing(part, with: replacement))
                == ["topology.yaml:\(complaint)"])
    }

    @Test(arguments: [
        "generation: 010", "generation: 1_000", "generation: 0x1F", "generation: +1",
        "generation: -1", "generation: 1.0", "generation: 1e3", "generation: 4294967296",
        "generation: yes", "generation: ''", "generation: [1]",
    ])
    func `integers are plain digits, whatever YAML makes of them`(line: String) throws {
        #expect(
            try complaints(region: Self.region.replacing("generation: 1", with: line))
                == ["regions/a.yaml:7: generation: expected an integer from 1 up"])
    }

    @Test(arguments: ["24:00", "10", "10 s", "s", "1.5s", "-1s", "1h30m", "0b1s", "1S", "08s"])
    func `times have a unit, whatever YAML makes of them`(text: String) throws {
        #expect(
            try complaints(topology: Self.topology + "thresholds:\n  alert_lag: \(text)\n")
                == [
                    "topology.yaml:10: thresholds.alert_lag: expected a time such as 500ms, 2s, 10m"
                        + " or 24h"
                ])
    }

    @Test func `a region may be called no, and properties are verbatim`() throws {
        let region = Self.region.replacing("id: a", with: "id: no").replacing(
            "logs:", with: "  retries: 010\n  enable.ssl: yes\n  client.id: ~\n  x: 24:00\nlogs:")
        try TemporaryFolder.with(["topology.yaml": Self.topology, "regions/a.yaml": region]) {
            folder in
            let topology = try TopologyFile.load(path: "\(folder.path)/topology.yaml")
            #expect(topology.regions[0].id.name == "no")
            #expect(
                topology.regions[0].kafka == [
                    "bootstrap.servers": "127.0.0.1:9092", "retries": "010", "enable.ssl": "yes",
                    "client.id": "~", "x": "24:00",
                ])
        }
    }

    @Test func `a property that is no text is refused without showing it`() throws {
        let region = Self.region.replacing("logs:", with: "  sasl.password: [canary]\nlogs:")
        let found = try complaints(region: region)
        #expect(
            found == [
                "regions/a.yaml:4: kafka.sasl.password: expected the property's value as plain text"
            ])
    }

    @Test func `problems never repeat a value`() throws {
        let found = try complaints(
            topology: Self.topology.replacing(
                "http://127.0.0.1:8081", with: "http://user:canary@127.0.0.1:8081"
            ).replacing("127.0.0.1:6379", with: "redis://:canary@127.0.0.1"))
        #expect(found.count == 2)
        #expect(!found.joined().contains("canary"))
    }

    @Test func `impossible values are reported where they stand, in all files at once`() throws {
        let topology =
            Self.topology.replacing("  - regions/a.yaml", with: "  - regions/a.yaml\n  - b.yaml")
            + "unconverted: [GBP]\nlisteners:\n  ingest: 0.0.0.0:8081\nspeed: 9\n"
        let region = Self.region.replacing("id: main", with: "id: main\n    continues: main")
            .replacing("logs:", with: "  group.id: x\nlogs:")
        #expect(
            try complaints(topology: topology, region: region, more: ["b.yaml": Self.region]) == [
                "topology.yaml:3: regions[1]: expected each region id once",
                "topology.yaml:10: unconverted[0]: expected a currency of the key currencies",
                "topology.yaml:12: listeners.ingest: expected a loopback address, for requests to"
                    + " it are not signed yet",
                "topology.yaml:13: speed: expected one of the keys base_currencies, currencies,"
                    + " default_base_currency, fx, hq, id_key_file, listeners, redis, regions,"
                    + " thresholds, unconverted",
                "regions/a.yaml:4: kafka.group.id: expected the key group instead of this property",
                "regions/a.yaml:7: logs[0].continues: expected no such key: the first log has none"
                    + " before it",
            ])
    }

    @Test func `what cannot be read does not make other keys wrong`() throws {
        // Without readable currencies nothing is said about base currencies.
        #expect(
            try complaints(
                topology: Self.topology.replacing("[USD, EUR, JPY]", with: "[usd]")
                    + "base_currencies: [USD]\n") == [
                    "topology.yaml:3: currencies[0]: expected a currency code of ISO 4217 in upper"
                        + " case"
                ])
    }

    @Test func `a log either continues or replaces`() throws {
        let region = Self.region.replacing(
            "generation:",
            with: "  - id: next\n    continues: main\n    replaces: main\ngeneration:")
        #expect(
            try complaints(region: region) == [
                "regions/a.yaml:9: logs[1].replaces: expected either continues or replaces, not"
                    + " both"
            ])
    }

    @Test func `exponents are by currency`() throws {
        #expect(
            try complaints(region: Self.region + "exponents:\n  ISK: two\n  BTC: 8\n") == [
                "regions/a.yaml:9: exponents.ISK: expected an integer from 0 to 9",
                "regions/a.yaml:10: exponents.BTC: expected a currency code of ISO 4217 in upper"
                    + " case as key",
            ])
    }

    @Test(arguments: ["/etc/a.yaml", "../a.yaml", "regions/../../a.yaml", "''"])
    func `region files lie below the topology file`(path: String) throws {
        #expect(
            try complaints(topology: Self.topology.replacing("regions/a.yaml", with: path))
                == ["topology.yaml:2: regions[0]: expected a path below the topology file's folder"]
        )
    }

    @Test func `files that cannot be read are named where they are listed`() throws {
        #expect(
            try complaints(topology: Self.topology.replacing("regions/a.yaml", with: "b.yaml"))
                == ["topology.yaml:2: regions[0]: expected a readable file (there is none)"])
        #expect(
            try complaints(topology: Self.topology.replacing("regions/a.yaml", with: "regions"))
                == ["topology.yaml:2: regions[0]: expected a readable file (this is a folder)"])
        let absent = #expect(throws: TopologyFileError.self) {
            try TopologyFile.load(path: "/nonexistent/topology.yaml")
        }
        #expect(
            absent?.description
                == "/nonexistent/topology.yaml:1: file: expected a readable file (there is none)")
    }

    @Test func `files are bounded UTF-8`() throws {
        try TemporaryFolder.with(["regions/a.yaml": Self.region]) { folder in
            func complaint(_ bytes: Data) throws -> String? {
                try folder.write("topology.yaml", bytes)
                let error = #expect(throws: TopologyFileError.self) {
                    try TopologyFile.load(path: "\(folder.path)/topology.yaml")
                }
                return error.map { folder.shortened($0.description) }
            }
            let text = Data(Self.topology.utf8)
            #expect(
                try complaint(text + Data(repeating: 0x23, count: 1 << 20))
                    == "topology.yaml:1: file: expected a file of at most 1048576 bytes")
            #expect(
                try complaint(text + Data([0x23, 0xFF]))
                    == "topology.yaml:1: file: expected UTF-8 text")
            let nul = try complaint(text + Data([0x23, 0x00]))
            #expect(nul?.hasPrefix("topology.yaml:9: yaml: expected valid YAML: ") == true)
        }
    }

    @Test(arguments: [
        ("", "1: file: expected a mapping of keys to values"),
        ("# nothing\n", "1: file: expected a mapping of keys to values"),
        ("- a\n", "1: file: expected a mapping of keys to values"),
        ("a: b\nc: [d\n", "3: yaml: expected valid YAML: "),
        ("a: b\n  c: d\n", "2: yaml: expected valid YAML: "),
        ("a: b\n\tc: d\n", "2: yaml: expected valid YAML: "),
        ("a: *b\n", "1: yaml: expected valid YAML: "),
        ("a: b\n---\nc: d\n", "2: yaml: expected valid YAML: "),
        (String(repeating: "[", count: 100_000), "1: yaml: expected valid YAML: "),
    ])
    func `text that is no mapping, or no YAML, is refused with its line`(
        text: String, complaint: String
    ) throws {
        let found = try complaints(topology: text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("topology.yaml:\(complaint)") == true, "\(found)")
    }

    @Test func `keys are printed without control characters`() throws {
        let found = try complaints(topology: Self.topology + "\"a\\e[2J\\nb\": c\n")
        #expect(found.first?.hasPrefix("topology.yaml:9: a?[2J?b: expected one of") == true)
    }

    @Test func `an id key is 32 hexadecimal digits, and errors do not show it`() throws {
        let key = "00112233445566778899AABBccddeeff"
        let files = [
            "plain": key, "line": key + "\n", "short": String(key.dropLast()), "two": key + "\n\n",
            "letter": key.replacing("0011", with: "001g"), "space": " " + key,
        ]
        try TemporaryFolder.with(files) { folder throws in
            func load(_ name: String) throws -> String {
                try IDKeyFile.load(path: "\(folder.path)/\(name)")
            }
            #expect(try load("plain") == key)
            #expect(try load("line") == key)
            for name in ["short", "two", "letter", "space"] {
                let error = #expect(throws: TopologyFileError.self) {
                    try load(name)
                }
                #expect(
                    error.map { folder.shortened($0.description) }
                        == "\(name):1: file: expected 32 hexadecimal digits and nothing else")
            }
        }
    }
}
