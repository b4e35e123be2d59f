internal import CivilTime
internal import DeltaProtocol
internal import Identifiers

extension WireDeltaReply {
    init(_ reply: DeltaReply) {
        self.init()
        self.shards = reply.shards.map(WireShardReply.init)
        self.serverTimeMs = reply.serverTime.milliseconds
        self.commands = reply.commands.map(WireCommand.init)
    }

    func decoded() throws(DeltaCodecError) -> DeltaReply {
        guard shards.count <= Limits.shardsPerRequest else {
            throw DeltaCodecError(
                .tooLarge, "shards: expected at most \(Limits.shardsPerRequest)")
        }
        var replies: [ShardReply] = []
        replies.reserveCapacity(shards.count)
        for shard in shards { replies.append(try shard.decoded()) }
        guard commands.count <= Limits.commandsPerReply else {
            throw DeltaCodecError(
                .tooLarge, "commands: expected at most \(Limits.commandsPerReply)")
        }
        var wanted: [NodeCommand] = []
        for command in commands {
            if let command = try command.decoded() { wanted.append(command) }
        }
        return DeltaReply(
            shards: replies, serverTime: UnixTime(milliseconds: serverTimeMs), commands: wanted)
    }
}

extension WireShardReply {
    init(_ reply: ShardReply) {
        self.init()
        self.log = reply.log.name
        self.partition = reply.partition
        switch reply.outcome {
        case .committed: self.outcome = .committed
        case .repeat: self.outcome = .repeat
        case .behind: self.outcome = .behind
        case .refused(let reason):
            self.outcome = .refused
            self.reason = WireRefusalReason(reason)
        }
        self.watermark = reply.watermark
        if let claims = reply.claims {
            self.idsFrom = claims.idsFrom.number
            self.valuesFrom = claims.valuesFrom.number
            self.idsShortUntil = claims.idsShortUntil.number
        }
        if let print = reply.fingerprint { self.fingerprint = WireFingerprint(print) }
        if let range = reply.heal { self.heal = WireMinuteRange(range) }
    }

    fileprivate func decoded() throws(DeltaCodecError) -> ShardReply {
        guard let log = LogID(log) else {
            throw DeltaCodecError(
                .invalidEnvelope, "shards.log: expected \(WireDeltaRequest.nameRule)")
        }
        guard (0...DeltaCodec.maximumOffset).contains(watermark) else {
            throw DeltaCodecError(.invalidEnvelope, "shards.watermark: expected an offset")
        }
        let outcome: ShardOutcome
        switch self.outcome {
        case .committed: outcome = .committed
        case .repeat: outcome = .repeat
        case .behind: outcome = .behind
        case .refused: outcome = .refused(reason.value)
        case .unspecified, .UNRECOGNIZED:
            throw DeltaCodecError(.invalidEnvelope, "shards.outcome: expected a known outcome")
        }
        var claims: Claims?
        if hasIdsFrom {
            claims = Claims(
                valuesFrom: Minute(hasValuesFrom ? valuesFrom : idsFrom), idsFrom: Minute(idsFrom),
                idsShortUntil: hasIdsShortUntil ? Minute(idsShortUntil) : Claims.always)
        }
        return ShardReply(
            log: log, partition: partition, outcome: outcome, watermark: watermark, claims: claims,
            fingerprint: hasFingerprint ? fingerprint.value(below: watermark) : nil,
            heal: hasHeal ? try? heal.range() : nil)
    }
}

extension WireRefusalReason {
    init(_ reason: RefusalReason) {
        switch reason {
        case .unknownLog: self = .unknownLog
        case .overflow: self = .overflow
        case .unsorted: self = .unsorted
        case .malformed: self = .malformed
        case .foldVersionOlder: self = .foldVersionOlder
        case .foldVersionConflict: self = .foldVersionConflict
        case .foldVersionNeedsBaseZero: self = .foldVersionNeedsBaseZero
        case .fingerprint: self = .fingerprint
        case .store: self = .store
        case .partitionCount: self = .partitionCount
        }
    }

    /// An unknown reason, of a later version, becomes the one that asks an operator to look.
    var value: RefusalReason {
        switch self {
        case .unknownLog: .unknownLog
        case .overflow: .overflow
        case .unsorted: .unsorted
        case .unspecified, .malformed, .UNRECOGNIZED: .malformed
        case .foldVersionOlder: .foldVersionOlder
        case .foldVersionConflict: .foldVersionConflict
        case .foldVersionNeedsBaseZero: .foldVersionNeedsBaseZero
        case .fingerprint: .fingerprint
        case .store: .store
        case .partitionCount: .partitionCount
        }
    }
}
