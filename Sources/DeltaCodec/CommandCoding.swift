internal import CivilTime
internal import DeltaProtocol
internal import Identifiers
internal import Money

extension WireCommand {
    init(_ command: NodeCommand) {
        self.init()
        self.id = command.id
        switch command.kind {
        case .publish(let correction): self.publish = WireBucketCorrection(correction)
        }
    }

    /// Nil for a kind or currency that this build does not know: a later HQ may have more.
    func decoded() throws(DeltaCodecError) -> NodeCommand? {
        guard case .publish(let wire) = kind, let currency = Currency(code: wire.currency) else {
            return nil
        }
        let command = NodeCommand(
            id: id,
            kind: .publish(
                BucketCorrection(
                    currency: currency, minute: Minute(wire.minute), delta: wire.delta,
                    before: wire.before, reason: wire.reason, requestedBy: wire.requestedBy,
                    issuedAt: UnixTime(milliseconds: wire.issuedAtMs))))
        guard command.isWithinLimits else {
            throw DeltaCodecError(.invalidEnvelope, "commands: expected values within the limits")
        }
        return command
    }
}

extension WireBucketCorrection {
    fileprivate init(_ correction: BucketCorrection) {
        self.init()
        self.currency = correction.currency.code
        self.minute = correction.minute.number
        self.delta = correction.delta
        self.before = correction.before
        self.reason = correction.reason
        self.requestedBy = correction.requestedBy
        self.issuedAtMs = correction.issuedAt.milliseconds
    }
}

extension WireCommandOutcome {
    init(_ outcome: CommandOutcome) {
        self.init()
        self.command = outcome.command
        switch outcome.result {
        case .published(let partition, let offset):
            var published = Published()
            published.partition = partition
            published.offset = offset
            self.published = published
        case .failed(let problem): self.problem = problem
        }
    }

    /// Nil for a result that this build does not know.
    func decoded() throws(DeltaCodecError) -> CommandOutcome? {
        guard (1...Limits.commandIDBytes).contains(command.utf8.count) else {
            throw DeltaCodecError(
                .invalidEnvelope,
                "outcomes.command: expected 1 to \(Limits.commandIDBytes) bytes")
        }
        switch result {
        case .published(let place):
            guard (0..<ShardID.maximumPartitions).contains(place.partition),
                (0...DeltaCodec.maximumOffset).contains(place.offset)
            else {
                throw DeltaCodecError(
                    .invalidEnvelope, "outcomes.published: expected a partition and an offset")
            }
            return CommandOutcome(
                command: command,
                result: .published(partition: place.partition, offset: place.offset))
        case .problem(let problem):
            guard problem.utf8.count <= Limits.problemBytes else {
                throw DeltaCodecError(
                    .invalidEnvelope,
                    "outcomes.problem: expected at most \(Limits.problemBytes) bytes")
            }
            return CommandOutcome(command: command, result: .failed(problem: problem))
        case nil: return nil
        }
    }
}
