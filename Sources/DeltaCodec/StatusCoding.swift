internal import CivilTime
internal import DeltaProtocol
internal import Identifiers

extension WireShardStatuses {
    init(_ statuses: ShardStatuses) {
        self.init()
        self.shards = statuses.shards.map(WireShardStatus.init)
        self.serverTimeMs = statuses.serverTime.milliseconds
    }

    func decoded() throws(DeltaCodecError) -> ShardStatuses {
        guard shards.count <= DeltaCodec.maximumStatuses else {
            throw DeltaCodecError(
                .tooLarge, "shards: expected at most \(DeltaCodec.maximumStatuses)")
        }
        var statuses: [ShardStatus] = []
        statuses.reserveCapacity(shards.count)
        for shard in shards { statuses.append(try shard.decoded()) }
        return ShardStatuses(
            shards: statuses, serverTime: UnixTime(milliseconds: serverTimeMs))
    }
}

extension WireShardStatus {
    init(_ status: ShardStatus) {
        self.init()
        self.log = status.log.name
        self.partition = status.partition
        self.watermark = status.watermark
        self.idsFrom = status.claims.idsFrom.number
        self.valuesFrom = status.claims.valuesFrom.number
        self.idsShortUntil = status.claims.idsShortUntil.number
        self.foldVersion = WireFoldVersion(status.foldVersion)
        if let fingerprint = status.fingerprint {
            self.fingerprint = WireFingerprint(fingerprint)
        }
        if let values = status.values {
            var columns = Values()
            if !values.buckets.isEmpty { columns.buckets = WireBucketColumns(values.buckets) }
            if !values.late.isEmpty { columns.late = WireBucketColumns(values.late) }
            self.values = columns
        }
    }

    fileprivate func decoded() throws(DeltaCodecError) -> ShardStatus {
        guard let log = LogID(log) else {
            throw DeltaCodecError(
                .invalidEnvelope, "shards.log: expected \(WireDeltaRequest.nameRule)")
        }
        guard (0...DeltaCodec.maximumOffset).contains(watermark) else {
            throw DeltaCodecError(.invalidEnvelope, "shards.watermark: expected an offset")
        }
        guard hasFoldVersion else {
            throw DeltaCodecError(.invalidEnvelope, "shards.fold_version: expected one")
        }
        var decodedValues: ShardStatus.Values?
        if hasValues {
            do throws(ShardProblem) {
                decodedValues = ShardStatus.Values(
                    buckets: values.hasBuckets ? try values.buckets.buckets() : [],
                    late: values.hasLate ? try values.late.buckets() : [])
            } catch {
                throw DeltaCodecError(.invalidEnvelope, "shards.values: \(error.rawValue)")
            }
        }
        return ShardStatus(
            log: log, partition: partition, watermark: watermark,
            claims: Claims(
                valuesFrom: Minute(hasValuesFrom ? valuesFrom : idsFrom), idsFrom: Minute(idsFrom),
                idsShortUntil: hasIdsShortUntil ? Minute(idsShortUntil) : Claims.always),
            foldVersion: foldVersion.value,
            fingerprint: hasFingerprint ? fingerprint.value(below: watermark) : nil,
            values: decodedValues)
    }
}
