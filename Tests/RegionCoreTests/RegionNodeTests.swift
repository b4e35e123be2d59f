import Aggregation
import CivilTime
import DeltaProtocol
import Money
import RegionCore
import Testing

/// Tests the node alone: its questions, its handling of answers, and the offsets it commits.
@Suite struct RegionNodeTests {
    @Test("A shard is read once the log, HQ and the group have answered")
    func joins() {
        var node = NodeFixture()
        node.tell(.assigned([0]))
        node.turn()
        let asked = node.take()
        #expect(NodeFixture.reads(asked) == [[]])
        guard
            case .askStatuses(0, let status, nil) = asked.first(where: {
                if case .askStatuses = $0 { true } else { false }
            })
        else {
            Issue.record("\(asked)")
            return
        }
        // How far back to read depends on HQ's clock.
        let present = NodeFixture.start - 7_000_000
        node.tell(
            .statuses(
                hq: 0, question: status, ShardStatuses(shards: [], serverTime: present)))
        node.turn()
        let then = node.take()
        guard
            case .askFacts(let facts, 0, let from) = then.first(where: {
                if case .askFacts = $0 { true } else { false }
            })
        else {
            Issue.record("\(then)")
            return
        }
        let floor = present.minute.advanced(by: -Limits.retainedMinutes).start
        #expect(from == floor - ShardFold.futureMilliseconds - ShardJoin.idsMilliseconds)
        node.turn()
        #expect(node.node.folding(0) == nil)
        node.tell(
            .facts(
                question: facts, .init(low: 0, high: 2, start: 0, startTimestamp: nil),
                isProducerStamped: false))
        node.turn()
        #expect(node.node.folding(0) != nil)
        let more = node.take()
        guard
            case .askCommitted(let committed, [0]) = more.first(where: {
                if case .askCommitted = $0 { true } else { false }
            })
        else {
            Issue.record("\(more)")
            return
        }
        #expect(NodeFixture.reads(more) == [])
        node.tell(.committed(question: committed, [0: 1]))
        node.turn()
        #expect(NodeFixture.reads(node.take()) == [[PartitionOffset(partition: 0, offset: 0)]])
        // Records below the committed offset were dead-lettered before.
        node.fold(["{", "["], from: 0)
        #expect(NodeFixture.letters(node.take()).map(\.place.offset) == [1])
    }

    /// The open question for a record.
    private static func record(_ actions: [RegionAction]) -> (question: Int, offset: Int64)? {
        for case .askRecord(let question, let place) in actions {
            return (question, place.offset)
        }
        return nil
    }

    @Test("Kept state is compared with the log before anything is read or pushed")
    func keptState() throws {
        for crc in [nil, 7] as [UInt32?] {
            var node = NodeFixture()
            node.join()
            node.fold([node.transfer("a", 5)], from: 0)
            node.turn(after: 1_000)
            node.answer()
            node.tell(.revoked)
            node.tell(.assigned([0]))
            node.turn(after: 5_000)
            let actions = node.take()
            #expect(NodeFixture.push(actions) == nil)
            let asked = try #require(Self.record(actions))
            #expect(asked.offset == 0)
            var found = node.node.folding(0)?.fold.fingerprint
            if let crc { found?.crc = crc }
            node.tell(
                .record(
                    question: asked.question, RecordFacts(low: 0, high: 9, record: found)))
            #expect(node.node.alarm(0) == (crc == nil ? nil : .foreignRecord))
        }
    }

    @Test("The fingerprint of every headquarters is compared with the log")
    func secondHeadquarters() {
        for hq in 0..<2 {
            var node = NodeFixture(headquarters: 2)
            node.tell(.assigned([0]))
            node.turn()
            let foreign = Fingerprint(offset: 0, timestamp: 1, crc: 1)
            for case .askStatuses(let asked, let question, _) in node.take() {
                let status = ShardStatus(
                    log: NodeFixture.log, partition: 0, watermark: 1, claims: .all,
                    foldVersion: node.version, fingerprint: foreign)
                node.tell(
                    .statuses(
                        hq: asked, question: question,
                        ShardStatuses(
                            shards: asked == hq ? [status] : [], serverTime: node.now)))
            }
            node.turn()
            for case .askFacts(let question, _, _) in node.take() {
                node.tell(
                    .facts(
                        question: question, .init(low: 0, high: 2, start: 0, startTimestamp: nil),
                        isProducerStamped: false))
            }
            node.turn()
            node.answer()
            node.fold([node.transfer("a", 5)], from: 0)
            #expect(node.node.alarm(0) == .foreignRecord)
        }
    }

    @Test("A question that the broker cannot answer is repeated three seconds later")
    func asksAgain() {
        var node = NodeFixture()
        node.tell(.assigned([0]))
        node.turn()
        node.hear()
        node.turn()
        func questions(_ actions: [RegionAction]) -> [Int] {
            actions.compactMap { if case .askFacts(let number, _, _) = $0 { number } else { nil } }
        }
        let first = questions(node.take())
        #expect(first.count == 1)
        node.tell(.factsUnknown(question: first[0], problem: "timed out"))
        node.turn(after: RegionNode.askAgainMilliseconds - 1)
        #expect(questions(node.take()) == [])
        node.turn(after: 1)
        let second = questions(node.take())
        #expect(second.count == 1)
        #expect(second != first)
        // While it is open, the node asks no other.
        node.turn(after: 60_000)
        #expect(questions(node.take()) == [])
    }

    @Test("An answer to an older question proves only the time of that question")
    func olderAnswer() {
        var node = NodeFixture()
        node.join()
        node.fold([node.transfer("a", 5)], from: 0)
        node.turn(after: 1_000)
        var asked: [Int] = []
        func note(_ actions: [RegionAction]) {
            for case .askEnds(let question, _) in actions { asked.append(question) }
        }
        // Pushes are answered, the question for the end is not.
        func takePushes(_ node: inout NodeFixture) {
            let actions = node.take()
            note(actions)
            if let push = NodeFixture.push(actions) {
                node.tell(
                    .reply(
                        hq: 0, question: push.question, node.commit(push.request), isLast: true))
            }
        }
        takePushes(&node)
        #expect(asked.count == 1)
        // No answer comes for so long that the node asks again.
        node.turn(after: RegionNode.askAgainMilliseconds * 3)
        takePushes(&node)
        #expect(asked.count == 2)
        // The old answer, from before a second record arrived, must not count as current.
        node.tell(.ends(question: asked[0], [0: 1]))
        #expect(observed(&node) == NodeFixture.start + 1_000)
        node.tell(.ends(question: asked[1], [0: 1]))
        #expect(observed(&node) == NodeFixture.start + 10_000)
    }

    /// The observed-through of the next push, after answering any open question.
    private func observed(_ node: inout NodeFixture) -> UnixTime? {
        node.answer()
        node.turn(after: 3_000)
        let push = NodeFixture.push(node.take())
        if let push {
            node.tell(
                .reply(hq: 0, question: push.question, node.commit(push.request), isLast: true))
        }
        return push?.request.shards.first?.observedThrough
    }

    @Test("HQ's answer to an abandoned push has no effect")
    func olderReply() throws {
        var node = NodeFixture()
        node.join()
        node.fold([node.transfer("a", 5)], from: 0)
        node.turn(after: 1_000)
        let first = try #require(NodeFixture.push(node.take()))
        node.tell(
            .noAnswer(
                hq: 0, question: first.question, .unknown(problem: "timeout", retryAfter: nil)))
        node.turn(after: 10_000)
        let second = try #require(NodeFixture.push(node.take()))
        #expect(second.question != first.question)
        node.tell(
            .reply(hq: 0, question: first.question, node.commit(first.request), isLast: true))
        node.turn(after: 10_000)
        let isStillOpen = NodeFixture.push(node.take()) == nil
        #expect(isStillOpen)
        #expect(node.node.folding(0)?.pushes[0].watermark == 0)
        node.tell(
            .reply(hq: 0, question: second.question, node.commit(second.request), isLast: true))
        #expect(node.node.folding(0)?.pushes[0].watermark == 1)
    }

    @Test("Only offsets that every HQ has are committed")
    func everyHeadquarters() throws {
        var node = NodeFixture(headquarters: 2)
        node.join()
        node.fold([node.transfer("a", 5), node.transfer("b", 6)], from: 0)
        node.turn(after: 1_000)
        let sent = node.take()
        let first = try #require(NodeFixture.push(sent, to: 0))
        let second = try #require(NodeFixture.push(sent, to: 1))
        node.tell(
            .reply(hq: 0, question: first.question, node.commit(first.request), isLast: true))
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [])
        node.tell(
            .reply(hq: 1, question: second.question, node.commit(second.request), isLast: true))
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [PartitionOffset(partition: 0, offset: 2)])
    }

    @Test("A failed commit is repeated")
    func commitFails() {
        var node = NodeFixture()
        node.join()
        node.fold([node.transfer("a", 5)], from: 0)
        node.turn(after: 1_000)
        node.answer()
        node.turn(after: 6_000)
        let place = PartitionOffset(partition: 0, offset: 1)
        #expect(NodeFixture.commits(node.take()) == [place])
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [])
        node.tell(.commitFailed([place], problem: "rebalance"))
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [place])
    }

    @Test("A clock that jumps back does not silence a node")
    func clockBack() {
        for jump in [30_000, 100_000, 200_000, 90_000_000] as [Int64] {
            var node = NodeFixture()
            node.join()
            node.now = node.now + jump
            node.turn()
            let pushed = NodeFixture.push(node.take())
            guard let pushed else {
                Issue.record("nothing pushed")
                return
            }
            node.tell(
                .noAnswer(
                    hq: 0, question: pushed.question,
                    .unknown(problem: "unreachable", retryAfter: nil)))
            node.now = node.now - jump
            node.turn(after: 1)
            let isHeard = NodeFixture.push(node.take()) != nil
            #expect(isHeard, "after a jump of \(jump) ms")
        }
    }

    @Test("A stopping node pushes and commits the rest, then ends")
    func stops() throws {
        var node = NodeFixture()
        node.join()
        node.fold([node.transfer("a", 5)], from: 0)
        node.tell(.stop)
        node.turn(after: 1_000)
        let sent = node.take()
        let push = try #require(NodeFixture.push(sent))
        #expect(!sent.contains { if case .end = $0 { true } else { false } })
        node.tell(.reply(hq: 0, question: push.question, node.commit(push.request), isLast: true))
        node.turn()
        let last = node.take()
        #expect(NodeFixture.commits(last) == [PartitionOffset(partition: 0, offset: 1)])
        guard case .end(.stopped) = last.last else {
            Issue.record("\(last)")
            return
        }
        node.turn(after: 60_000)
        #expect(node.take().isEmpty)
    }

    @Test("Reports of the consumer after a stop do not raise the coverage")
    func stopsMidway() throws {
        var node = NodeFixture()
        node.join()
        node.fold([node.transfer("a", 5)], from: 0)
        node.tell(.stop)
        #expect(NodeFixture.reads(node.take()) == [[]])
        // The batch that was already fetched, and the end after it.
        node.fold([node.transfer("b", 6), "{"], from: 1)
        #expect(node.take().isEmpty)
        node.tell(.endOfPartition(PartitionOffset(partition: 0, offset: 3)))
        node.tell(.offsetOutOfRange(PartitionOffset(partition: 0, offset: 3)))
        node.turn(after: 1_000)
        let push = try #require(NodeFixture.push(node.take()))
        #expect(push.request.shards.map(\.coverage) == [1])
        node.tell(.reply(hq: 0, question: push.question, node.commit(push.request), isLast: true))
        // A client failure now does not keep the node from committing either.
        node.tell(
            .clientFailed(
                ClientProblem(code: 29, text: "denied", isFatal: false, isAuthorization: true)))
        node.turn()
        let last = node.take()
        #expect(NodeFixture.commits(last) == [PartitionOffset(partition: 0, offset: 1)])
        guard case .end(.stopped) = last.last else {
            Issue.record("\(last)")
            return
        }
    }

    @Test("A node without any answers still stops, and commits nothing")
    func stopsUnheard() {
        var node = NodeFixture()
        node.join()
        node.fold([node.transfer("a", 5)], from: 0)
        node.tell(.stop)
        node.turn()
        _ = node.take()
        node.turn(after: 2_000)
        let last = node.take()
        #expect(NodeFixture.commits(last) == [])
        guard case .end(.stopped) = last.last else {
            Issue.record("\(last)")
            return
        }
    }

    @Test("The node ends if the topic has more partitions than its log")
    func morePartitions() {
        var node = NodeFixture(partitions: 2)
        node.tell(.assigned([0, 2]))
        guard case .end(.partitions(found: 3)) = node.take().last else {
            Issue.record("the node went on")
            return
        }
    }
}
