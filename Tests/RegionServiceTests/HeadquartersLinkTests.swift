import CivilTime
import DeltaClient
import DeltaProtocol
import Identifiers
import Money
import RegionCore
import RegionService
import Testing

@Suite struct HeadquartersLinkTests {
    @Test("A push of several parts ends with the first unanswered one")
    func ends() async throws {
        let port = try closedPort()
        let inbox = Inbox<RegionEvent>()
        let link = try HeadquartersConnection(
            DeltaClientConfiguration(url: "http://127.0.0.1:\(port)"), place: 1,
            region: RegionFixture.id, inbox: inbox)
        // Three shards, no two of which fit into one request.
        let value = BucketValue(settled: 1 << 51, transfers: 1 << 51)
        let buckets = (0..<150_000).map { number in
            Bucket(
                minute: Minute(Int32(number)), currency: Currency(code: "EUR")!, value: value)
        }
        let request = DeltaRequest(
            foldVersion: FoldVersion(rules: 1, settings: 1, digest: 0),
            region: RegionFixture.id, node: "n", sentAt: UnixTime(seconds: 0),
            partitionCounts: [:],
            shards: (0..<3).map {
                ShardDelta(
                    log: RegionFixture.log, partition: $0, base: 0, coverage: 1,
                    claims: Claims(from: Minute(0)), buckets: buckets)
            })
        #expect(DeltaClient.split(request).count == 3)
        let running = Task { await link.run() }
        link.send(.push(question: 7, request))
        link.send(.statuses(question: 8, partition: nil))
        var outcomes: [String] = []
        let isDone = try await eventually {
            outcomes += inbox.takeAll().map(Self.describe)
            return outcomes.last == "no answer to 8 from 1: unreachable"
        }
        #expect(isDone)
        #expect(
            outcomes == [
                "no answer to 7 from 1: unreachable", "no answer to 8 from 1: unreachable",
            ])
        await link.stop()
        await running.value
    }

    private static func describe(_ event: RegionEvent) -> String {
        guard case .noAnswer(let hq, let question, .unknown(let problem, nil)) = event else {
            return "\(event)"
        }
        return "no answer to \(question) from \(hq): \(problem)"
    }
}
