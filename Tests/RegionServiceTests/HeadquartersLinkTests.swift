import CivilTime
import DeltaClient
import DeltaProtocol
import RegionService
import Testing
import Topology

@Suite struct HeadquartersLinkTests {
    @Test("What was not sent after a part that failed is no failure of its own")
    func skips() async throws {
        let port = try closedPort()
        let link = try HeadquartersLink(
            DeltaClientConfiguration(url: "http://127.0.0.1:\(port)"), region: RegionFixture.id)
        let parts = (0..<3).map { part in
            DeltaRequest(
                foldVersion: FoldVersion(rules: 1, settings: 1, digest: 0),
                region: RegionFixture.id, node: "part-\(part)", sentAt: UnixTime(seconds: 0),
                partitionCounts: [:], shards: [])
        }
        let running = Task { await link.run() }
        link.send(.push(parts))
        var outcomes: [String] = []
        let isIdle = try await eventually {
            outcomes += link.inbox.takeAll().map(Self.describe)
            return outcomes.last == "idle"
        }
        #expect(isIdle)
        #expect(outcomes == ["failed part-0", "skipped part-1", "skipped part-2", "idle"])
        await link.stop()
        await running.value
    }

    private static func describe(_ answer: HeadquartersLink.Answer) -> String {
        switch answer {
        case .push(let request, .retry(.unreachable, after: nil)): "failed \(request.node)"
        case .push(let request, _): "other \(request.node)"
        case .skipped(let request): "skipped \(request.node)"
        case .statuses: "statuses"
        case .idle: "idle"
        }
    }
}
