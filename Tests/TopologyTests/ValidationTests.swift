import Addresses
import DeltaProtocol
import Identifiers
import Money
import Testing
import Topology

@Suite struct ValidationTests {
    private static func currencies(_ codes: String) -> [Currency] {
        codes.split(separator: " ").compactMap { Currency(code: String($0)) }
    }

    private static func region(_ id: String, partitions: Int32? = 6) throws -> Region {
        Region(
            id: try #require(RegionID(id)), kafka: ["bootstrap.servers": "127.0.0.1:9092"],
            logs: [RegionLog(id: try #require(LogID("main")), partitions: partitions)])
    }

    private static func topology() throws -> Topology {
        Topology(
            regions: [try region("a"), try region("b")], currencies: currencies("USD EUR JPY"),
            unconverted: currencies("JPY"), baseCurrencies: currencies("USD EUR"),
            defaultBase: currencies("USD")[0],
            headquarters: [try #require(ServiceURL("http://127.0.0.1:8081"))],
            redis: .unixSocket("/run/redis.sock"), rates: nil, idKeyFile: "id.key")
    }

    private func problems(_ change: (inout Topology) throws -> Void) throws -> [String] {
        var topology = try Self.topology()
        try change(&topology)
        return topology.problems().map(\.description)
    }

    private func regionProblems(_ change: (inout Region) throws -> Void) throws -> [String] {
        var region = try Self.region("a")
        try change(&region)
        return region.problems().map(\.description)
    }

    @Test func `a topology's generation is 1 or more`() throws {
        #expect(
            try problems { $0.generation = 0 } == ["generation: expected an integer of at least 1"])
        #expect(try problems { $0.generation = 7 } == [])
    }

    @Test func `a valid topology has no problems`() throws {
        #expect(try problems { _ in } == [])
        #expect(try regionProblems { _ in } == [])
    }

    @Test func `a shard that could exceed a request is refused`() throws {
        #expect(Topology.shardBytes(currencies: 50) < Limits.requestBytes)
        #expect(Topology.shardBytes(currencies: 232) <= Limits.requestBytes)
        #expect(Topology.shardBytes(currencies: 233) > Limits.requestBytes)
        let dollar = Self.currencies("USD")[0]
        let found = try problems {
            $0.currencies = Self.currencies("USD EUR JPY") + Array(repeating: dollar, count: 230)
        }
        #expect(
            found.first
                == "currencies: expected at most 232 currencies: a shard of more could exceed the"
                + " 4194304 bytes of a request")
    }

    @Test func `every currency of the table together still fits`() {
        #expect(Topology.shardBytes(currencies: Currency.count) <= Limits.requestBytes)
    }

    @Test func `region ids are unique and the number of regions is limited`() throws {
        #expect(
            try problems { $0.regions.append(try Self.region("a")) }
                == ["regions[2]: expected each region id once"])
        #expect(try problems { $0.regions = [] } == ["regions: expected 1 to 256 regions"])
        #expect(
            try problems {
                $0.regions = try ["a", "b"].map { try Self.region($0, partitions: 501) }
            } == [
                "regions: expected at most 1000 partitions over all logs,"
                    + " because sums beyond that could overflow"
            ])
        #expect(
            try problems {
                $0.regions = try ["a", "b"].map { try Self.region($0, partitions: 500) }
            } == [])
    }

    @Test func `currencies, unconverted and base currencies agree`() throws {
        #expect(
            try problems { $0.unconverted = Self.currencies("JPY GBP JPY") } == [
                "unconverted[1]: expected a currency listed under currencies",
                "unconverted[2]: expected each currency once",
            ])
        #expect(
            try problems { $0.baseCurrencies = Self.currencies("USD JPY GBP") } == [
                "base_currencies[1]: expected a currency listed under currencies that is not"
                    + " unconverted",
                "base_currencies[2]: expected a currency listed under currencies that is not"
                    + " unconverted",
            ])
        #expect(
            try problems { $0.defaultBase = Self.currencies("JPY")[0] }
                == ["default_base_currency: expected a currency listed under base_currencies"])
        #expect(
            try problems { $0.baseCurrencies = [] }
                == ["base_currencies: expected at least one currency"])
        #expect(
            try problems { $0.currencies = Self.currencies("USD EUR USD JPY") }
                == ["currencies[2]: expected each currency once"])
    }

    @Test func `ingest and admin are on loopback, and every listener has its own port`() throws {
        #expect(
            try problems {
                $0.listeners.ingest.host = "0.0.0.0"
                $0.listeners.admin.host = "10.0.0.1"
                $0.listeners.publicAPI.host = "0.0.0.0"
            } == [
                "listeners.ingest: expected a loopback address, because requests to it are"
                    + " not signed yet",
                "listeners.admin: expected a loopback address, because requests to it are"
                    + " not signed yet",
            ])
        #expect(
            try problems { $0.listeners.admin.port = 8080 }
                == ["listeners.admin: expected a port that no other listener uses"])
    }

    @Test func `at least one HQ is listed, and each only once`() throws {
        #expect(try problems { $0.headquarters = [] } == ["hq: expected 1 to 8 URLs"])
        #expect(
            try problems { $0.headquarters += $0.headquarters }
                == ["hq[1]: expected each URL once"])
    }

    @Test func `unencrypted connections stay on this machine`() throws {
        let remote = try ["http://10.0.0.9:8081", "https://hq.example", "http://hq.example"].map {
            try #require(ServiceURL($0))
        }
        #expect(
            try problems { $0.headquarters = remote } == [
                "hq[0]: expected an https URL, because the host is not this machine"
                    + " (http://10.0.0.9:8081)",
                "hq[2]: expected an https URL, because the host is not this machine"
                    + " (http://hq.example:80)",
            ])
        for address in ["127.0.0.9:6379", "localhost:1", "[::1]:6379", "unix:/run/redis.sock"] {
            #expect(try problems { $0.redis = try #require(RedisAddress(address)) } == [])
        }
        #expect(
            try problems { $0.redis = try #require(RedisAddress("redis.example:6379")) } == [
                "redis.address: expected a loopback address or unix:/path, because the connection"
                    + " is not encrypted (redis.example:6379)"
            ])
    }

    @Test func `invalid addresses are reported with file, line and key`() throws {
        let text =
            TopologyFixture.topology
            .replacing("http://127.0.0.1:8081", with: "http://10.0.0.9:8081")
            .replacing("127.0.0.1:6379", with: "10.0.0.9:6379") + "listeners:\n  public: 22:22\n"
        #expect(
            try TopologyFixture.complaints(topology: text) == [
                "topology.yaml:5: hq[0]: expected an https URL, because the host is not this"
                    + " machine (http://10.0.0.9:8081)",
                "topology.yaml:7: redis.address: expected a loopback address or unix:/path,"
                    + " because the connection is not encrypted (10.0.0.9:6379)",
                "topology.yaml:10: listeners.public: expected host:port, such as 127.0.0.1:8080",
            ])
    }

    @Test func `thresholds have the documented defaults and bounds`() throws {
        let thresholds = Thresholds()
        #expect(thresholds.heartbeat == .seconds(2))
        #expect(thresholds.silentAfter == .seconds(10))
        #expect(thresholds.degradedLag == .seconds(30))
        #expect(thresholds.alertLag == .seconds(600))
        #expect(thresholds.minimumTransfers == 5)
        #expect(
            try problems { $0.thresholds.heartbeat = .milliseconds(99) }
                == ["thresholds.heartbeat: expected a duration of 100ms to 24h"])
        #expect(
            try problems { $0.thresholds.alertLag = .seconds(86_401) }
                == ["thresholds.alert_lag: expected a duration of 100ms to 24h"])
        #expect(
            try problems { $0.thresholds.silentAfter = .seconds(3) } == [
                "thresholds.silent_after: expected at least two heartbeats, so that one lost"
                    + " push is not silence"
            ])
        #expect(
            try problems { $0.thresholds.alertLag = .seconds(29) }
                == ["thresholds.alert_lag: expected at least degraded_lag"])
        #expect(
            try problems { $0.thresholds.minimumTransfers = 0 }
                == ["thresholds.minimum_transfers: expected an integer from 1 to 1000000"])
    }

    @Test func `paces have the documented defaults and bounds`() throws {
        let pace = PublishingPace()
        #expect(pace.refreshMin == .milliseconds(250))
        #expect(pace.refreshMax == .seconds(1))
        #expect(pace.eventMin == .milliseconds(500))
        #expect(Region.defaultPushInterval == .milliseconds(200))
        #expect(
            try problems { $0.pace.refreshMin = .milliseconds(49) }
                == ["pace.refresh_min: expected a duration of 50ms to 2s"])
        #expect(
            try problems { $0.pace.refreshMax = .seconds(3) }
                == ["pace.refresh_max: expected a duration of 50ms to 2s"])
        #expect(
            try problems { $0.pace.refreshMax = .milliseconds(249) }
                == ["pace.refresh_max: expected at least refresh_min"])
        #expect(
            try problems { $0.pace.eventMin = .milliseconds(99) }
                == ["pace.event_min: expected a duration of 100ms to 60s"])
    }

    @Test func `Kafka properties that the program owns are refused`() throws {
        #expect(
            try regionProblems { $0.kafka = ["security.protocol": "ssl"] }
                == ["kafka: expected the property bootstrap.servers"])
        for name in [
            "group.id", "auto.offset.reset", "enable.auto.commit", "enable.auto.offset.store",
            "partitioner", "partition.assignment.strategy", "enable.partition.eof",
            "isolation.level",
            "check.crcs",
        ] {
            let found = try regionProblems { $0.kafka[name] = "x" }
            #expect(found.count == 1 && found[0].hasPrefix("kafka.\(name): expected "))
        }
    }

    @Test(arguments: ["", ".", "..", "a b", "a/b", "tøpic", String(repeating: "a", count: 250)])
    func `topic names are those that Kafka allows`(name: String) throws {
        #expect(
            try regionProblems {
                $0.topic = name
                $0.deadLetterTopic = "dlq"
            } == [
                "topic: expected a topic name of 1 to 249 letters, digits, dots, dashes and"
                    + " underscores"
            ])
    }

    @Test func `rejected records go to a separate topic`() throws {
        #expect(try Self.region("a").deadLetterTopic == "transaction.settled.dlq")
        #expect(
            try regionProblems { $0.deadLetterTopic = $0.topic }
                == ["dlq_topic: expected a topic other than the one that is read"])
    }

    @Test func `logs form a chain`() throws {
        let one = try #require(LogID("one"))
        let two = try #require(LogID("two"))
        let three = try #require(LogID("three"))
        #expect(
            try regionProblems {
                $0.logs = [
                    RegionLog(id: one), RegionLog(id: two, relation: .continues(one)),
                    RegionLog(id: three, partitions: 1_024, relation: .replaces(two)),
                ]
            } == [])
        #expect(
            try regionProblems {
                $0.logs = [
                    RegionLog(id: one, relation: .continues(two)), RegionLog(id: two),
                    RegionLog(id: three, relation: .replaces(one)),
                    RegionLog(id: two, partitions: 0, relation: .continues(three)),
                ]
            } == [
                "logs[0].continues: expected no such key: the first log has no predecessor",
                "logs[1].id: expected continues: one or replaces: one as well",
                "logs[2].replaces: expected the previous log, two",
                "logs[3].id: expected each log id once",
                "logs[3].partitions: expected an integer from 1 to 1024",
            ])
        #expect(try regionProblems { $0.logs = [] } == ["logs: expected 1 to 16 logs"])
    }

    @Test func `logs before a replacing log no longer count`() throws {
        let ids = try ["one", "two", "three", "four"].map { try #require(LogID($0)) }
        var region = try Self.region("a")
        region.logs = [RegionLog(id: ids[0]), RegionLog(id: ids[1], relation: .continues(ids[0]))]
        #expect(region.countedLogs.map(\.id) == [ids[0], ids[1]])
        #expect(region.replacedLogs.isEmpty)
        region.logs += [
            RegionLog(id: ids[2], relation: .replaces(ids[1])),
            RegionLog(id: ids[3], relation: .continues(ids[2])),
        ]
        #expect(region.countedLogs.map(\.id) == [ids[2], ids[3]])
        #expect(region.replacedLogs.map(\.id) == [ids[0], ids[1]])
    }

    @Test func `logs without a number share the partitions that the others leave`() throws {
        var topology = try Self.topology()
        topology.regions.removeLast()
        let ids = try ["one", "two", "three"].map { try #require(LogID($0)) }
        func bound(_ counts: [Int32?]) -> Int32 {
            topology.regions[0].logs = zip(ids, counts).map { RegionLog(id: $0, partitions: $1) }
            return topology.undeclaredPartitions
        }
        #expect(bound([nil]) == 1_000)
        #expect(bound([nil, 12, nil]) == 494)
        #expect(bound([998, nil, nil]) == 1)
        #expect(bound([998, 1, 1]) == 0)
        #expect(bound([1_024, nil]) == 0)
    }

    @Test func `the last log is the current one, and each is found by its id`() throws {
        let one = try #require(LogID("one"))
        let two = try #require(LogID("two"))
        var region = try Self.region("a")
        region.logs = [RegionLog(id: one), RegionLog(id: two, relation: .continues(one))]
        #expect(region.currentLog?.id == two)
        #expect(region.log(two)?.relation?.predecessor == one)
        #expect(region.log(one)?.relation == nil)
    }

    @Test func `generations, exponents and admin URLs are bounded`() throws {
        let url = try #require(ServiceURL("http://127.0.0.1:9000"))
        #expect(
            try regionProblems {
                $0.generation = 0
                $0.exponents = [
                    Self.currencies("JPY")[0]: 10, Self.currencies("ISK")[0]: 9,
                    Self.currencies("USD")[0]: -1,
                ]
                $0.adminURLs = [url, url]
            } == [
                "generation: expected an integer of at least 1",
                "admin_urls[1]: expected each URL once",
                "exponents.JPY: expected an integer from 0 to 9",
                "exponents.USD: expected an integer from 0 to 9",
            ])
    }
}
