import Aggregation
import CivilTime
import DeltaProtocol
import Federation
import RegionCore

/// What nodes write to Kafka: dead letters, and corrections requested at HQ.
extension World {
    // MARK: - Dead letters

    /// A letter on its way to its topic.
    struct LetterUnderWay {
        var letter: Letter
        var shard: Int
        /// True if it is sent again truncated.
        var isShort = false
    }

    /// Sends a letter that was too large again.
    func sendShort(_ token: UInt, _ process: NodeProcess, _ index: Int) {
        guard let letter = process.hosts[index].largeLetters.removeValue(forKey: token) else {
            return fail("a letter was truncated that was not too large")
        }
        probes.hit(.letterCut)
        schedule(
            .letter(
                node: process.number, incarnation: process.incarnation, host: index,
                LetterUnderWay(letter: letter.letter, shard: letter.shard, isShort: true)),
            after: letterRandom.within(1...1_000))
    }

    func send(_ letter: Letter, _ process: NodeProcess, _ index: Int) {
        let number = shard(process.hosts[index], letter.place.partition)
        // The topic's broker may be slow while everything else works.
        trace("\(process.name) dead-letters \(letter.place.offset) of \(shape.shards[number].id)")
        check(letter, of: number)
        let isSlow = letterRandom.happens(perMille: options.slowLetterShare)
        schedule(
            .letter(
                node: process.number, incarnation: process.incarnation, host: index,
                LetterUnderWay(letter: letter, shard: number)),
            after: letterRandom.within(isSlow && !isHealed ? 5_000...30_000 : 1...1_000))
    }

    /// Checks that a record dead-lettered as rejected really is invalid.
    private func check(_ letter: Letter, of shard: Int) {
        guard case .rejected(let reason) = letter.cause, reason != .overflow,
            !atlas.isForeign[shard]
        else { return }
        let place = logs[shard].place(of: letter.place.offset)
        let counts = truths[shard].counts
        guard counts[place].rejected == (place > 0 ? counts[place - 1].rejected : 0) else { return }
        fail("\(shape.shards[shard].id) wrongly rejects \(letter.place.offset): \(reason)")
    }

    /// The letter reaches its topic or is refused. A process that has ended does not learn which,
    /// and may have died before the letter was sent.
    func deliver(
        _ underWay: LetterUnderWay, _ process: NodeProcess, incarnation: Int, _ index: Int
    ) {
        let isThere = process.incarnation == incarnation && process.state != .down
        if !isThere, letterRandom.happens(perMille: 500) { return }
        guard brokerIsReachable[process.region] else {
            return schedule(
                .letter(
                    node: process.number, incarnation: incarnation, host: index, underWay),
                after: 2_000)
        }
        let event: RegionEvent
        let token = underWay.letter.token
        if !isHealed, letterRandom.happens(perMille: options.refusedLetterShare) {
            let isTooLarge = letterRandom.happens(perMille: 500)
            probes.hit(isTooLarge ? .letterTooLarge : .letterRefused)
            if isTooLarge {
                let place = logs[underWay.shard].place(of: underWay.letter.place.offset)
                if isThere, !underWay.isShort,
                    logs[underWay.shard].entries[place].count > Letter.shortBytes
                {
                    process.hosts[index].largeLetters[token] = underWay
                } else {
                    letterLedgers[underWay.shard].settle(underWay.letter.place.offset)
                }
            }
            event = .letterRefused(token, isTooLarge: isTooLarge, problem: "refused")
        } else {
            probes.hit(.letterWritten)
            letterLedgers[underWay.shard].settle(underWay.letter.place.offset)
            event = .letterAcknowledged(token)
        }
        guard isThere else { return }
        schedule(
            .told(
                node: process.number, incarnation: incarnation, host: index, event), after: 1)
    }

    // MARK: - Corrections

    /// A correction requested of a region at HQ.
    struct Command {
        var meaning: CorrectionMeaning
        var shard: Int
        /// The process that remembers it, and the incarnation of that process.
        var process: Int
        var incarnation: Int
        var published = 0
        /// The offsets of its records.
        var offsets: Set<Int64> = []
        var publishedAt: Int64 = 0
        /// True if it was offered to the shard's last owner after the faults had ended.
        var wasOfferedAtLast = false
    }

    /// A user at the authority requests a correction of a minute as HQ shows it.
    func askForCorrection() {
        guard !isHealed else { return }
        schedule(.askCorrection, after: commandRandom.wait(mean: options.commandWait))
        let region = commandRandom.below(shape.regions.count)
        let log = shape.logsOfRegion[region].upperBound - 1
        let number = shape.logs[log].shards.lowerBound
        let running = headquarters.filter { $0.isRunning && $0.site.number == 0 }
        guard !running.isEmpty, !atlas.isForeign[number],
            options.movedOnAt == nil || hasMovedOn
        else { return }
        let process = commandRandom.pick(running)
        guard countedLogs(of: region, by: process.topology).last == log else { return }
        let column = commandRandom.below(options.currencies.count)
        let minute = NaiveFold.minute(now) - Int32(commandRandom.within(0...40))
        let issuedAt = present(of: process).milliseconds / 1_000 * 1_000
        commandCount += 1
        let meaning = CorrectionMeaning(
            id: Self.firstCommandID + commandCount, column: column, minute: minute,
            delta: Int64(commandRandom.next() >> 34) + 1,
            before: process.site.store.buckets[number][minute, column].correction,
            issuedAt: issuedAt)
        let id = "c\(meaning.id)"
        let correction = BucketCorrection(
            currency: options.currencies[column], minute: Minute(minute), delta: meaning.delta,
            before: meaning.before, reason: "drift \"found\" by\tnight", requestedBy: "auditor",
            issuedAt: UnixTime(milliseconds: issuedAt))
        let isTaken = process.memory.commands.ask(
            NodeCommand(id: id, kind: .publish(correction)), of: shape.regions[region])
        guard isTaken else { return fail("a command was not taken") }
        commands[id] = Command(
            meaning: meaning, shard: number, process: process.number,
            incarnation: process.incarnation)
        trace("\(shape.regions[region]) is requested to publish correction \(id)")
        // Another HQ also requests a correction, but it is not the authority, and no node may obey
        // it.
        if let other = headquarters.first(where: { $0.isRunning && $0.site.number > 0 }) {
            _ = other.memory.commands.ask(
                NodeCommand(id: "x\(meaning.id)", kind: .publish(correction)),
                of: shape.regions[region])
        }
    }

    /// The records of the producers' own corrections have lower ids.
    private static let firstCommandID = 1_000_000

    func publish(
        _ record: [UInt8], of command: String, _ partition: Int32, _ process: NodeProcess,
        _ index: Int
    ) {
        schedule(
            .publish(
                node: process.number, incarnation: process.incarnation, host: index,
                command: command, record: record),
            after: commandRandom.within(1...2_000))
    }

    /// The record may reach the log or not; its node may never learn which.
    func write(
        _ record: [UInt8], of id: String, _ process: NodeProcess, incarnation: Int, _ index: Int
    ) {
        guard let command = commands[id] else { return fail("command \(id) was never requested") }
        let isThere = process.incarnation == incarnation && process.state != .down
        if !isThere, commandRandom.happens(perMille: 500) { return }
        let number = command.shard
        var event = RegionEvent.publishingFailed(command: id, problem: "time-out")
        // HQ cannot be expected to have records written at the very end.
        let isInTime = elapsed < options.liveMinutes * 60_000 + Self.healing * 3 / 4
        if isInTime, brokerIsReachable[process.region], isHealed || mutedUntil[number] <= elapsed,
            !atlas.isForeign[number]
        {
            let written = author.write(
                command.meaning, record: record, at: now, log: &logs[number],
                truth: &truths[number])
            tally.records += 1
            trace("\(process.name) published \(id) at \(written.offset): \(written.outcome)")
            note(written, shard: number)
            commands[id]?.published += 1
            commands[id]?.offsets.insert(written.offset)
            commands[id]?.publishedAt = elapsed
            probes.hit(command.published == 0 ? .commandPublished : .commandPublishedAgain)
            if written.outcome == .void { probes.hit(.commandVoid) }
            // The acknowledgement may be lost.
            if isHealed || !commandRandom.happens(perMille: 200) {
                event = .published(
                    command: id, PartitionOffset(partition: 0, offset: written.offset))
            }
        }
        guard isThere else { return }
        schedule(
            .told(node: process.number, incarnation: incarnation, host: index, event),
            after: commandRandom.within(1...(isHealed ? 500 : 8_000)))
    }

    /// Every command that the authority still remembers must have been executed.
    func checkCommands() {
        for (id, command) in commands.sorted(by: { $0.key < $1.key }) {
            let process = headquarters[command.process]
            guard process.incarnation == command.incarnation, !atlas.isForeign[command.shard]
            else { continue }
            let number = shape.shards[command.shard].region
            if command.published == 0, command.wasOfferedAtLast {
                fail("command \(id) was never executed")
            }
            let region = shape.regions[number]
            let progress = process.memory.commands.progress(of: id, region: region)
            if case .published(_, let offset) = progress {
                if !command.offsets.contains(offset) {
                    fail("command \(id) is reported at \(offset) but is not there")
                }
            } else if command.published > 0, options.headquarters == 1,
                command.publishedAt < options.liveMinutes * 60_000 + Self.healing / 2
            {
                // With two processes at one address, the other one may have received the outcome.
                fail("no outcome of the executed command \(id) was reported")
            }
        }
    }
}
