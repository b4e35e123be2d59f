internal import CivilTime
internal import DeltaProtocol
internal import Identifiers

extension WireDeltaRequest {
    init(_ request: DeltaRequest) {
        self.init()
        self.version = request.version
        self.foldVersion = WireFoldVersion(request.foldVersion)
        self.region = request.region.name
        self.node = request.node
        self.sentAtMs = request.sentAt.milliseconds
        var counts: [String: Int32] = [:]
        for (log, count) in request.partitionCounts { counts[log.name] = count }
        self.partitionCounts = counts
        self.shards = request.shards.map(WireShardDelta.init)
        self.outcomes = request.outcomes.map(WireCommandOutcome.init)
        self.commandsTaken = UInt32(clamping: request.commandsTaken)
    }

    func decoded() throws(DeltaCodecError) -> DecodedRequest {
        guard DeltaCodec.readableVersions.contains(version) else {
            let versions = DeltaCodec.readableVersions
            throw DeltaCodecError(
                .unsupportedVersion,
                "version: expected \(versions.lowerBound) to \(versions.upperBound)")
        }
        guard hasFoldVersion else {
            throw DeltaCodecError(.invalidEnvelope, "fold_version: expected one")
        }
        guard let region = RegionID(region) else {
            throw DeltaCodecError(.invalidEnvelope, "region: expected \(Self.nameRule)")
        }
        guard node.utf8.count <= Limits.nodeNameBytes else {
            throw DeltaCodecError(
                .invalidEnvelope, "node: expected at most \(Limits.nodeNameBytes) bytes")
        }
        guard shards.count <= Limits.shardsPerRequest else {
            throw DeltaCodecError(
                .tooLarge, "shards: expected at most \(Limits.shardsPerRequest)")
        }
        var result = DecodedRequest(
            request: DeltaRequest(
                version: version, foldVersion: foldVersion.value, region: region, node: node,
                sentAt: UnixTime(milliseconds: sentAtMs), partitionCounts: try logCounts(),
                shards: [], outcomes: try commandOutcomes(), commandsTaken: Int(commandsTaken)))
        result.request.shards.reserveCapacity(shards.count)
        for shard in shards {
            guard let log = LogID(shard.log) else {
                throw DeltaCodecError(.invalidEnvelope, "shards.log: expected \(Self.nameRule)")
            }
            do throws(ShardProblem) {
                result.request.shards.append(try shard.delta(log: log, version: version))
            } catch {
                result.malformedShards.append(
                    MalformedShard(log: log, partition: shard.partition, problem: error))
            }
        }
        return result
    }

    private func commandOutcomes() throws(DeltaCodecError) -> [CommandOutcome] {
        guard outcomes.count <= Limits.outcomesPerRequest else {
            throw DeltaCodecError(
                .tooLarge, "outcomes: expected at most \(Limits.outcomesPerRequest)")
        }
        var known: [CommandOutcome] = []
        for outcome in outcomes {
            if let outcome = try outcome.decoded() { known.append(outcome) }
        }
        return known
    }

    static let nameRule = "1 to 32 bytes of a-z, 0-9 and '-'"

    private func logCounts() throws(DeltaCodecError) -> [LogID: Int32] {
        guard partitionCounts.count <= Limits.shardsPerRequest else {
            throw DeltaCodecError(
                .tooLarge, "partition_counts: expected at most \(Limits.shardsPerRequest)")
        }
        var counts: [LogID: Int32] = [:]
        for (name, count) in partitionCounts {
            guard let log = LogID(name), (1...ShardID.maximumPartitions).contains(count) else {
                throw DeltaCodecError(
                    .invalidEnvelope,
                    "partition_counts: expected names of \(Self.nameRule)"
                        + " and counts of 1 to \(ShardID.maximumPartitions)")
            }
            counts[log] = count
        }
        return counts
    }
}

extension WireShardDelta {
    init(_ shard: ShardDelta) {
        self.init()
        self.log = shard.log.name
        self.partition = shard.partition
        self.base = shard.base
        self.coverage = shard.coverage
        self.idsFrom = shard.claims.idsFrom.number
        if shard.claims.valuesFrom != shard.claims.idsFrom {
            self.valuesFrom = shard.claims.valuesFrom.number
        }
        if shard.claims.idsShortUntil != Claims.always {
            self.idsShortUntil = shard.claims.idsShortUntil.number
        }
        if let range = shard.replaced { self.replaced = WireMinuteRange(range) }
        self.seedWatermark = shard.seedWatermark
        if let time = shard.observedThrough { self.observedThroughMs = time.milliseconds }
        if let marker = shard.marker { self.marker = WireLedgerMarker(marker) }
        if let fingerprint = shard.fingerprint { self.fingerprint = WireFingerprint(fingerprint) }
        if let print = shard.baseFingerprint { self.baseFingerprint = WireFingerprint(print) }
        if let digest = shard.digest { self.digest = WireDigest(digest) }
        if shard.counters != ShardCounters() { self.counters = WireCounters(shard.counters) }
        if !shard.buckets.isEmpty { self.buckets = WireBucketColumns(shard.buckets) }
        if !shard.late.isEmpty { self.late = WireBucketColumns(shard.late) }
        if !shard.missed.isEmpty { self.missed = WireBucketColumns(shard.missed) }
    }

    fileprivate func delta(
        log: LogID, version: UInt32
    ) throws(ShardProblem) -> ShardDelta {
        let offsets = 0...DeltaCodec.maximumOffset
        guard offsets.contains(base), offsets.contains(coverage), offsets.contains(seedWatermark)
        else { throw .offset }
        var range = hasReplaced ? try replaced.range() : nil
        let isFirstVersion = version == 1
        if isFirstVersion, base == 0 { range = Minute(idsFrom)...Minute(.max) }
        return ShardDelta(
            log: log, partition: partition, base: base, coverage: coverage,
            claims: Claims(
                valuesFrom: hasValuesFrom ? Minute(valuesFrom) : Minute(idsFrom),
                idsFrom: Minute(idsFrom),
                idsShortUntil: hasIdsShortUntil ? Minute(idsShortUntil) : Claims.always),
            replaced: range, seedWatermark: seedWatermark,
            observedThrough: hasObservedThroughMs
                ? UnixTime(milliseconds: observedThroughMs) : nil,
            marker: hasMarker ? try marker.marker() : nil,
            fingerprint: hasFingerprint ? fingerprint.value(below: coverage) : nil,
            baseFingerprint: hasBaseFingerprint ? baseFingerprint.value(below: base) : nil,
            digest: hasDigest && !isFirstVersion ? try digest.value() : nil,
            counters: hasCounters ? try counters.counters() : ShardCounters(),
            buckets: hasBuckets ? try buckets.buckets() : [],
            late: hasLate ? try late.buckets() : [],
            missed: hasMissed ? try missed.buckets() : [])
    }
}
