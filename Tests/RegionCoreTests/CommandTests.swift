import Aggregation
import CivilTime
import DeltaProtocol
import Money
import RegionCore
import Testing

/// A node's handling of HQ's commands.
@Suite struct CommandTests {
    static let correction = BucketCorrection(
        currency: Currency(code: "EUR")!, minute: NodeFixture.start.minute, delta: -7, before: 0,
        reason: "a \"quoted\" \\ reason\n", requestedBy: "auditor", issuedAt: NodeFixture.start)
    static let command = NodeCommand(id: "c-1", kind: .publish(correction))

    private func offered(
        _ node: inout NodeFixture, from hq: Int = 0, _ commands: [NodeCommand] = [command]
    ) -> [RegionAction] {
        node.turn(after: 3_000)
        let sent = node.take()
        guard let push = NodeFixture.push(sent, to: hq) else { return [] }
        node.tell(
            .reply(
                hq: hq, question: push.question, node.commit(push.request, commands: commands),
                isLast: true))
        return node.take()
    }

    private func published(_ actions: [RegionAction]) -> [(id: String, record: [UInt8])] {
        actions.compactMap {
            if case .publish(let id, 0, let record) = $0 { (id, record) } else { nil }
        }
    }

    @Test("A command is executed once, and its record corrects the bucket")
    func once() throws {
        var node = NodeFixture()
        node.join()
        let first = published(offered(&node))
        #expect(first.map(\.id) == ["c-1"])
        #expect(published(offered(&node)).isEmpty)
        node.tell(.published(command: "c-1", PartitionOffset(partition: 0, offset: 0)))
        #expect(published(offered(&node)).isEmpty)
        // The fold reads exactly the record that the command wrote.
        let record = try #require(first.first?.record)
        node.fold([String(decoding: record, as: UTF8.self)], from: 0)
        let value = node.node.folding(0)?.fold.value(
            minute: Self.correction.minute, currency: Self.correction.currency)
        #expect(value?.correction == -7)
    }

    @Test("An outcome is sent until HQ has it, and again if HQ repeats the command")
    func outcomes() throws {
        var node = NodeFixture()
        node.join()
        _ = offered(&node)
        node.tell(.published(command: "c-1", PartitionOffset(partition: 0, offset: 3)))
        let told = [
            CommandOutcome(command: "c-1", result: .published(partition: 0, offset: 3))
        ]
        node.turn(after: 3_000)
        let lost = try #require(NodeFixture.push(node.take()))
        #expect(lost.request.outcomes == told)
        node.tell(
            .noAnswer(
                hq: 0, question: lost.question, .unknown(problem: "torn", retryAfter: nil)))
        node.turn(after: 10_000)
        let heard = try #require(NodeFixture.push(node.take()))
        #expect(heard.request.outcomes == told)
        node.tell(
            .reply(hq: 0, question: heard.question, node.commit(heard.request), isLast: true))
        node.turn(after: 3_000)
        let next = try #require(NodeFixture.push(node.take()))
        #expect(next.request.outcomes.isEmpty)
        node.tell(
            .reply(
                hq: 0, question: next.question,
                node.commit(next.request, commands: [Self.command]), isLast: true))
        #expect(published(node.take()).isEmpty)
        node.turn(after: 3_000)
        #expect(NodeFixture.push(node.take())?.request.outcomes == told)
    }

    @Test("A failed command is reported, and retried when HQ offers it again")
    func failed() throws {
        var node = NodeFixture()
        node.join()
        _ = offered(&node)
        node.tell(
            .publishingFailed(command: "c-1", problem: String(repeating: "é", count: 200)))
        _ = node.take()
        node.turn(after: 3_000)
        let push = try #require(NodeFixture.push(node.take()))
        guard case .failed(let problem) = push.request.outcomes.first?.result else {
            Issue.record("\(push.request.outcomes)")
            return
        }
        #expect(problem.utf8.count <= Limits.problemBytes)
        node.tell(
            .reply(
                hq: 0, question: push.question,
                node.commit(push.request, commands: [Self.command]), isLast: true))
        #expect(published(node.take()).map(\.id) == ["c-1"])
    }

    @Test("Only the first HQ commands, and only the node with partition 0 obeys")
    func authority() {
        var two = NodeFixture(headquarters: 2)
        two.join()
        #expect(published(offered(&two, from: 1)).isEmpty)
        var other = NodeFixture(partitions: 2)
        other.join(partitions: [1])
        #expect(published(offered(&other)).isEmpty)
    }
}
