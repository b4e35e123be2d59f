import Addresses
import Foundation
import Identifiers
import Money
import Testing
import Topology
import TopologyFile

/// The files that the demo runs and operators start from.
@Suite struct RepositoryTopologyTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    static let demoCurrencies = """
        USD EUR GBP JPY CHF CAD AUD CNY HKD SGD SEK NOK DKK PLN CZK HUF RON UAH TRY ILS AED SAR \
        QAR KWD BHD INR IDR MYR THB PHP VND KRW TWD NZD ZAR NGN KES EGP MAD GHS BRL MXN ARS CLP \
        COP PEN UYU DOP CRC ISK
        """

    @Test func `the topology loads, with three regions and 50 currencies`() throws {
        let topology = try TopologyFile.load(path: "\(Self.root)/topology.yaml")
        #expect(topology.regions.map(\.id.name) == ["eu-west", "us-east", "ap-south"])
        #expect(topology.currencies.count == 50)
        #expect(topology.currencies.map(\.code).joined(separator: " ") == Self.demoCurrencies)
        #expect(topology.defaultBase.code == "USD")
        #expect(topology.listeners == Listeners())
        #expect(topology.redis.description == "127.0.0.1:6379")
        #expect(topology.thresholds == Thresholds())
        #expect(topology.pace == PublishingPace())
        for region in topology.regions {
            #expect(region.timestamps == .trusted)
            #expect(region.currentLog?.partitions == 6)
            #expect(region.topic == "transaction.settled")
            #expect(region.pushInterval == Region.defaultPushInterval)
        }
    }

    @Test func `values that a deployment changes are on their own lines`() throws {
        let topology = try String(contentsOfFile: "\(Self.root)/topology.yaml", encoding: .utf8)
        for line in [
            "  public: 127.0.0.1:8080", "  ingest: 127.0.0.1:8081", "  admin: 127.0.0.1:8082",
            "  address: 127.0.0.1:6379", "  - http://127.0.0.1:8081", "id_key_file: id.key",
            "  file: deploy/rates/example.json",
        ] {
            #expect(topology.split(separator: "\n").filter { $0 == line }.count == 1, "\(line)")
        }
        for (region, port) in [("eu-west", 9092), ("us-east", 9093), ("ap-south", 9094)] {
            let text = try String(
                contentsOfFile: "\(Self.root)/regions/\(region).yaml", encoding: .utf8)
            let lines = text.split(separator: "\n")
            #expect(lines.contains("  bootstrap.servers: 127.0.0.1:\(port)"))
            #expect(lines.first { !$0.hasPrefix("#") } == "id: \(region)")
        }
    }

    @Test func `the example rates cover every currency of the topology`() throws {
        let topology = try TopologyFile.load(path: "\(Self.root)/topology.yaml")
        let file = try #require(topology.rates?.file)
        #expect(file == "\(Self.root)/deploy/rates/example.json")
        let rates = try RatesFile.load(path: file)
        #expect(rates.base.code == "EUR")
        #expect(rates.source.contains("example"))
        #expect(rates.currencies == topology.currencies.sorted())
    }
}
