import Aggregation
import CivilTime
import DeltaProtocol
import Pacing

/// The log's ends, and the check that it still is the log that was folded.
extension RegionNode {
    /// How often the last folded record is read again, in milliseconds.
    private static let recheckMilliseconds: Int64 = 60_000
    /// Maximum number of open questions for the ends; the oldest are given up first.
    private static let endsQuestionsMax = 8

    // MARK: - Ends

    mutating func askEnds(_ now: UnixTime, _ actions: inout [RegionAction]) {
        // An overdue answer does not block the next question.
        let interval =
            endsQuestions.isEmpty ? settings.endsMilliseconds : Self.askAgainMilliseconds * 3
        let partitions = foldingShards.map(\.partition)
        guard !partitions.isEmpty, endsPace.take(every: interval, at: now) else { return }
        let number = numbered()
        var coverages: [Int32: Int64] = [:]
        for shard in foldingShards { coverages[shard.partition] = shard.fold.coverage }
        // A time before the question was sent proves no less.
        endsQuestions.append(EndsQuestion(number: number, askedAt: now, coverages: coverages))
        if endsQuestions.count > Self.endsQuestionsMax { endsQuestions.removeFirst() }
        actions.append(.askEnds(question: number, partitions))
    }

    mutating func learn(
        ends: [Int32: Int64], _ question: Int, _ actions: inout [RegionAction]
    ) {
        guard let index = endsQuestions.firstIndex(where: { $0.number == question }) else { return }
        let asked = endsQuestions[index]
        // This answer proves more than the older ones could.
        endsQuestions.removeFirst(index + 1)
        for shard in foldingShards {
            guard let end = ends[shard.partition] else { continue }
            if let coverage = asked.coverages[shard.partition], end < coverage {
                stop(shard.partition, .endsBelowCoverage, &actions)
                continue
            }
            shard.fold.learnedEnd(end, askedAt: asked.askedAt)
        }
    }

    // MARK: - Records

    /// Requests the records to compare: the last folded one, at an assignment and once a minute,
    /// and those of HQs' fingerprints that the fold is past.
    mutating func askRecords(_ now: UnixTime, _ actions: inout [RegionAction]) {
        for shard in foldingShards {
            if let question = shard.recordQuestion, now >= question.askedAt,
                now < question.askedAt + Self.askAgainMilliseconds * 3
            {
                continue
            }
            guard let (wanted, purpose) = recordToCompare(shard, now) else { continue }
            let number = numbered()
            shard.recordQuestion = .init(
                number: number, record: wanted, purpose: purpose, askedAt: now,
                coverage: shard.fold.coverage)
            actions.append(
                .askRecord(
                    question: number,
                    PartitionOffset(partition: shard.partition, offset: wanted.offset)))
        }
    }

    private func recordToCompare(
        _ shard: FoldingShard, _ now: UnixTime
    ) -> (Fingerprint, RecordPurpose)? {
        if let last = shard.fold.fingerprint {
            let isDue =
                now < shard.comparedAt || shard.comparedAt + Self.recheckMilliseconds <= now
            if held.contains(shard.partition), !shard.isVerified || isDue { return (last, .own) }
        }
        for (hq, push) in shard.pushes.enumerated() {
            if let record = push.unverified { return (record, .of(hq: hq)) }
        }
        return nil
    }

    mutating func learn(
        _ facts: RecordFacts, _ question: Int, _ now: UnixTime, _ actions: inout [RegionAction]
    ) {
        guard let shard = foldingShards.first(where: { $0.recordQuestion?.number == question }),
            let asked = shard.recordQuestion
        else { return }
        shard.recordQuestion = nil
        if asked.purpose == .own, facts.high < asked.coverage {
            return stop(shard.partition, .endsBelowCoverage, &actions)
        }
        if facts.record != asked.record {
            // A record that retention removed cannot be compared.
            guard asked.record.offset < facts.low else {
                return stop(shard.partition, .foreignRecord, &actions)
            }
            uncomparable += 1
        }
        switch asked.purpose {
        case .own:
            shard.isVerified = true
            shard.comparedAt = now
            isReadingStale = true
        case .of(let hq):
            if shard.pushes[hq].unverified == asked.record { shard.pushes[hq].verified() }
        }
    }

    /// Asks again later.
    func recordUnknown(_ question: Int, _ problem: String, _ actions: inout [RegionAction]) {
        guard let shard = foldingShards.first(where: { $0.recordQuestion?.number == question })
        else { return }
        actions.append(
            .note(
                Note(
                    .debug, "a record could not be re-read",
                    ["partition": "\(shard.partition)", "error": problem])))
    }
}
