import CivilTime
import DeltaProtocol
import Federation
import Identifiers
import Testing

/// HQ's commands, tested through whole rounds.
@Suite struct CommandDeskTests {
    static func command(_ id: String) -> NodeCommand {
        NodeCommand(
            id: id,
            kind: .publish(
                BucketCorrection(
                    currency: Merge.eur, minute: Merge.present, delta: 5, before: 0, reason: "r",
                    requestedBy: "q", issuedAt: Merge.now)))
    }

    /// The commands offered in the reply to a push of one partition.
    static func offers(
        _ memory: inout CommitMemory, partition: Int32 = 0, log: LogID = Merge.log,
        after milliseconds: Int64 = 0, outcomes: [CommandOutcome] = [],
        takes: Int = Limits.commandsPerReply
    ) -> [String] {
        let delta = CommitRoundTests.delta(partition: partition)
        var rig = CommitRoundTests.Rig(
            CommitRoundTests.request([delta], outcomes: outcomes, takes: takes)
        ) { $0.currentLog = log }
        rig.memory = memory
        rig.now = Merge.now + milliseconds
        _ = rig.tell(.begun)
        _ = rig.tell(.repaired)
        _ = rig.tell(.read([ShardReading()]))
        let action = rig.tell(.written)
        memory = rig.memory
        guard case .answer(let reply) = action else { return ["no answer"] }
        return reply.commands.map(\.id)
    }

    @Test("A command is offered to a node of partition 0, and again after ten seconds")
    func offered() {
        var memory = CommitMemory()
        let isTaken = memory.commands.ask(Self.command("a"), of: Merge.region)
        #expect(isTaken)
        #expect(Self.offers(&memory, partition: 1) == [])
        #expect(Self.offers(&memory, log: LogID(unchecked: "newer")) == [])
        // A node of an earlier build does not understand commands.
        #expect(Self.offers(&memory, takes: 0) == [])
        #expect(Self.offers(&memory) == ["a"])
        #expect(Self.offers(&memory, after: 9_999) == [])
        #expect(Self.offers(&memory, after: 10_000) == ["a"])
        // A clock that jumped back withholds nothing.
        #expect(Self.offers(&memory, after: -1) == ["a"])
    }

    @Test("An outcome ends a command, a failure does not, and unknown ids are ignored")
    func outcomes() {
        var memory = CommitMemory()
        for id in ["a", "b"] { _ = memory.commands.ask(Self.command(id), of: Merge.region) }
        #expect(Self.offers(&memory) == ["a", "b"])
        let told = [
            CommandOutcome(command: "a", result: .published(partition: 0, offset: 8)),
            CommandOutcome(command: "b", result: .failed(problem: "no leader")),
            CommandOutcome(command: "c", result: .published(partition: 0, offset: 9)),
        ]
        #expect(Self.offers(&memory, after: 10_000, outcomes: told) == ["b"])
        let desk = memory.commands
        #expect(desk.progress(of: "a", region: Merge.region) == .published(partition: 0, offset: 8))
        #expect(desk.progress(of: "b", region: Merge.region) == .open(problem: "no leader"))
        #expect(desk.progress(of: "c", region: Merge.region) == nil)
        // A node later reports something else.
        let late = [CommandOutcome(command: "a", result: .failed(problem: "time-out"))]
        #expect(Self.offers(&memory, after: 20_000, outcomes: late) == ["b"])
        #expect(
            memory.commands.progress(of: "a", region: Merge.region)
                == .published(partition: 0, offset: 8))
    }

    @Test("Commands are bounded in number and in size")
    func bounds() {
        var desk = CommandDesk()
        for number in 0..<CommandDesk.openMax {
            let isTaken = desk.ask(Self.command("\(number)"), of: Merge.region)
            #expect(isTaken)
        }
        let isOver = desk.ask(Self.command("one more"), of: Merge.region)
        #expect(!isOver)
        let isKnown = desk.ask(Self.command("7"), of: Merge.region)
        #expect(isKnown)
        var memory = CommitMemory()
        memory.commands = desk
        #expect(Self.offers(&memory).count == Limits.commandsPerReply)
        for id in ["", String(repeating: "x", count: Limits.commandIDBytes + 1)] {
            let isTaken = desk.ask(Self.command(id), of: RegionID(unchecked: "other"))
            #expect(!isTaken)
        }
    }
}
