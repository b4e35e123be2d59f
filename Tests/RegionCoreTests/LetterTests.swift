import Aggregation
import DeltaProtocol
import RegionCore
import Testing

/// A node's handling of dead letters.
@Suite struct LetterTests {
    @Test("Nothing is committed past a letter in flight, even after a rebalance")
    func rebalance() {
        var node = NodeFixture()
        node.join()
        node.fold([node.transfer("a", 5), "{", node.transfer("b", 6)], from: 0)
        let letters = NodeFixture.letters(node.take())
        #expect(letters.map(\.place.offset) == [1])
        node.turn(after: 1_000)
        node.answer()
        node.tell(.revoked)
        node.turn()
        node.tell(.assigned([0]))
        for _ in 0..<3 {
            node.turn()
            node.answer()
        }
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [PartitionOffset(partition: 0, offset: 1)])
        node.tell(.letterAcknowledged(letters[0].token))
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [PartitionOffset(partition: 0, offset: 3)])
    }

    @Test("A refused letter holds commits back until a restart")
    func refused() {
        var node = NodeFixture()
        node.join()
        node.fold(["{", node.transfer("b", 6)], from: 0)
        let letters = NodeFixture.letters(node.take())
        node.tell(.letterRefused(letters[0].token, isTooLarge: false, problem: "no topic"))
        node.turn(after: 1_000)
        node.answer()
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [])
    }

    @Test("A letter that is too large is sent again truncated, then given up")
    func tooLarge() {
        var node = NodeFixture()
        node.join()
        let large = String(repeating: "x", count: Letter.shortBytes + 1)
        node.fold([large, "{"], from: 0)
        let letters = NodeFixture.letters(node.take())
        for letter in letters {
            node.tell(.letterRefused(letter.token, isTooLarge: true, problem: "too large"))
        }
        let short = node.take().compactMap {
            if case .sendShortLetter(let token) = $0 { token } else { nil }
        }
        // The other one was short already.
        #expect(short == [letters[0].token])
        node.turn(after: 1_000)
        node.answer()
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [])
        node.tell(.letterRefused(letters[0].token, isTooLarge: true, problem: "too large"))
        node.turn(after: 6_000)
        #expect(NodeFixture.commits(node.take()) == [PartitionOffset(partition: 0, offset: 2)])
    }

    @Test("Reading stops at too many letters in flight and resumes when half are done")
    func heldBack() {
        var node = NodeFixture { $0.lettersMax = 4 }
        node.join()
        _ = node.take()
        node.fold(["{", "{", "{", "{"], from: 0)
        let letters = NodeFixture.letters(node.take())
        #expect(letters.count == 4)
        node.turn()
        #expect(NodeFixture.reads(node.take()) == [[]])
        node.tell(.letterAcknowledged(letters[3].token))
        node.turn()
        #expect(NodeFixture.reads(node.take()) == [])
        node.tell(.letterAcknowledged(letters[0].token))
        node.turn()
        #expect(NodeFixture.reads(node.take()) == [[PartitionOffset(partition: 0, offset: 4)]])
    }
}
