import CivilTime
import DeltaProtocol
import Federation
import Foundation
import HeadquartersService
import Money
import Testing

/// Commands through HQ's real listener, and the recording of its rounds.
@Suite(.serialized) struct CommandOfferTests {
    @Test("A requested command goes out with a reply and ends with its outcome")
    func offers() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let commits = CommitState()
        let now = HeadquartersScope.now
        let command = NodeCommand(
            id: "c-1",
            kind: .publish(
                BucketCorrection(
                    currency: Currency(code: "USD")!, minute: now.minute, delta: 500, before: -3,
                    reason: "drift", requestedBy: "auditor", issuedAt: now)))
        let record = FileManager.default.temporaryDirectory.appending(
            path: "rounds-\(UUID().uuidString)"
        ).path
        defer { try? FileManager.default.removeItem(atPath: record) }
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: nil)
        let configure: (inout HeadquartersConfiguration) -> Void = { $0.recordFile = record }
        try await HeadquartersScope.with(topology, configure: configure, commits: commits) {
            scope in
            #expect(await scope.commands() == [])
            let isTaken = commits.ask(command, of: HeadquartersScope.eu)
            #expect(isTaken)
            #expect(await scope.commands() == [command])
            #expect(await scope.commands() == [])
            let told = CommandOutcome(
                command: "c-1", result: .published(partition: 0, offset: 41))
            #expect(await scope.commands(telling: [told]) == [])
            #expect(
                commits.progress(of: "c-1", region: HeadquartersScope.eu)
                    == .published(partition: 0, offset: 41))
        }
        let size = try FileManager.default.attributesOfItem(atPath: record)[.size] as? Int
        #expect(size ?? 0 > 0)
    }
}
