import CivilTime
import DeltaClient
import DeltaCodec
import DeltaProtocol
import HTTPTestSupport
import Hashing
import Identifiers
import Money
import Testing

@Suite("Messages are small and fast")
struct DeltaCodecSizeTests {
    /// The bound on a steady region's traffic, HTTP included.
    private static let bytesPerSecondMax = 5_000

    @Test("A steady region sends less than 5 KB/s, HTTP included")
    func steadyState() async throws {
        let requests = steadyRequests()
        let committed = DeltaReply(
            shards: requests[0].shards.map {
                ShardReply(
                    log: $0.log, partition: $0.partition, outcome: .committed,
                    watermark: $0.coverage, claims: $0.claims,
                    fingerprint: $0.fingerprint)
            }, serverTime: requests[0].sentAt)
        let peer = try ScriptedPeer(.reply(answer(200, body: DeltaCodec.encode(committed))))
        let client = try DeltaClient(DeltaClientConfiguration(url: peer.url))
        for request in requests {
            #expect(await client.push(request) == .answered(committed))
        }
        await client.stop()
        let received = peer.requests
        await peer.stop()
        #expect(received.map(\.body) == requests.map { DeltaCodec.encode($0) })
        let bodies = received.reduce(0) { $0 + $1.body.count }
        // An empty line ends each head.
        let heads = received.reduce(0) { $0 + $1.head.utf8.count + 4 }
        let bytesPerSecond = (bodies + heads) * 2 / requests.count
        print(
            "steady state: \(bodies / requests.count) bytes of body and",
            "\(heads / requests.count) of HTTP a push,",
            "\(bytesPerSecond * 100 / Self.bytesPerSecondMax) % of \(Self.bytesPerSecondMax) B/s")
        #expect(bytesPerSecond < Self.bytesPerSecondMax)
    }

    /// A minute of a region in steady state: 6 shards, 60 transfers a second over 50 currencies,
    /// USD 40 %, 1 in 10 for the minute before; pushed twice a second; offsets of a whole day.
    private func steadyRequests() -> [DeltaRequest] {
        var random = SplitMix64(seed: 7)
        let (shards, pushes, transfersPerPush) = (6, 120, 30)
        let now: Int32 = 29_456_210
        var values = [[Int: Bucket]](repeating: [:], count: shards)
        var offsets = [Int64](repeating: 860_000, count: shards)
        var requests: [DeltaRequest] = []
        for push in 0..<pushes {
            var changed = [Set<Int>](repeating: [], count: shards)
            let bases = offsets
            for _ in 0..<transfersPerPush {
                let shard = Int.random(in: 0..<shards, using: &random)
                let isLast = Int.random(in: 0..<10, using: &random) == 0
                let currency =
                    Int.random(in: 0..<10, using: &random) < 4
                    ? Currency(code: "USD")! : Currency.all[Int.random(in: 0..<50, using: &random)]
                let key = Int(currency.index) * 2 + (isLast ? 1 : 0)
                var bucket =
                    values[shard][key]
                    ?? Bucket(
                        minute: Minute(now - (isLast ? 1 : 0)), currency: currency, value: .zero)
                bucket.value.settled += Int64.random(in: 1...1_000_000, using: &random)
                bucket.value.transfers += 1
                values[shard][key] = bucket
                changed[shard].insert(key)
                offsets[shard] += 1
            }
            requests.append(
                DeltaRequest(
                    foldVersion: FoldVersion(rules: 1, settings: 1, digest: .max),
                    region: RegionID("eu-west")!, node: "eu-west-node-1",
                    sentAt: UnixTime(milliseconds: 1_767_372_600_000 + Int64(push) * 500),
                    partitionCounts: [LogID("settled-2026")!: 6],
                    shards: (0..<shards).map { shard in
                        steadyShard(
                            shard, base: bases[shard], coverage: offsets[shard],
                            withDigest: push % 60 == 0,
                            buckets: changed[shard].compactMap { values[shard][$0] })
                    }))
        }
        return requests
    }

    private func steadyShard(
        _ partition: Int, base: Int64, coverage: Int64, withDigest: Bool, buckets: [Bucket]
    ) -> ShardDelta {
        var counters = ShardCounters()
        counters.applied = coverage - 20_000
        counters.duplicate = 8_000
        counters.late = 2_000
        counters.rejected = 1_000
        counters.control = 9_000
        counters.conflicts = 100
        return ShardDelta(
            log: LogID("settled-2026")!, partition: Int32(partition), base: base,
            coverage: coverage, claims: Claims(from: Minute(29_454_710)),
            observedThrough: UnixTime(milliseconds: 1_767_372_600_123),
            marker: LedgerMarker(
                lsn: 0x16_B374_8A10, system: "7301234567890123456", timeline: 1,
                markedAt: UnixTime(milliseconds: 1_767_372_600_001)),
            fingerprint: Fingerprint(
                offset: coverage - 1, timestamp: 1_767_372_600_099, crc: 0xFFFF_FFFF),
            digest: withDigest
                ? .init(
                    minutes: Minute(29_454_710)...Minute(29_454_769),
                    digest: ShardDigest(high: .max, low: .max))
                : nil,
            counters: counters, buckets: buckets.sorted(by: Bucket.precedes))
    }

    /// 1,440 minutes of 50 currencies.
    private func fullShard(partition: Int32) -> ShardDelta {
        var random = SplitMix64(seed: UInt64(partition))
        let currencies = Currency.all.prefix(50)
        var buckets: [Bucket] = []
        for minute in Int32(29_454_770)..<29_456_210 {
            for currency in currencies {
                buckets.append(
                    Bucket(
                        minute: Minute(minute), currency: currency,
                        value: BucketValue(
                            settled: Int64.random(in: 1...10_000_000_000, using: &random),
                            transfers: Int64.random(in: 1...300, using: &random))))
            }
        }
        return ShardDelta(
            log: LogID("settled-1")!, partition: partition, base: 0, coverage: 900_000,
            claims: Claims(from: Minute(29_454_770)), buckets: buckets)
    }

    private func request(shards: [ShardDelta]) -> DeltaRequest {
        DeltaRequest(
            foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1),
            region: RegionID("eu-west")!, node: "a", sentAt: UnixTime(milliseconds: 1),
            partitionCounts: [LogID("settled-1")!: 6], shards: shards)
    }

    @Test("A request of six full shards fits and decodes quickly")
    func fullRequest() throws {
        let request = request(shards: (0..<6).map(fullShard))
        let clock = ContinuousClock()
        var bytes: [UInt8] = []
        let encoding = clock.measure { bytes = DeltaCodec.encode(request) }
        var decoded: DecodedRequest?
        let decoding = try clock.measure { decoded = try DeltaCodec.decodeRequest(bytes) }
        let buckets = request.shards.reduce(0) { $0 + $1.buckets.count }
        print(
            "\(buckets) buckets, \(bytes.count) bytes:",
            "encoded in \(encoding), decoded in \(decoding)"
        )
        #expect(decoded == DecodedRequest(request: request))
        #expect(bytes.count < Limits.requestBytes)
        #expect(decoding < .seconds(2), "a bound against quadratic work, not a measure of speed")
    }

    @Test("A split request keeps every shard whole and in order, within the limits")
    func splitting() throws {
        let whole = request(shards: (0..<20).map(fullShard))
        let parts = DeltaCodec.split(whole)
        #expect(parts.flatMap(\.shards) == whole.shards)
        #expect(parts.count > 1)
        for part in parts {
            #expect(DeltaCodec.encode(part).count <= Limits.requestBytes)
            var envelope = part
            envelope.shards = whole.shards
            #expect(envelope == whole)
        }
        let small = (0..<2_500).map { number in
            ShardDelta(
                log: LogID("settled-\(number / 1_024)")!, partition: Int32(number % 1_024),
                base: 0, coverage: 0, claims: Claims(from: Minute(0)))
        }
        #expect(
            DeltaCodec.split(request(shards: small)).map(\.shards.count) == [1_024, 1_024, 452])
        #expect(DeltaCodec.split(request(shards: [])).count == 1)
    }

    @Test("The predicted size of a shard is never too small, and close for large ones")
    func byteBound() {
        for seed in UInt64(0)..<300 {
            var messages = RandomMessages(seed: seed)
            let shard = messages.shard()
            let alone = DeltaCodec.encode(request(shards: [shard])).count
            let envelope = DeltaCodec.encode(request(shards: [])).count
            #expect(DeltaCodec.byteBound(shard) >= alone - envelope, "seed \(seed)")
        }
        let full = fullShard(partition: 0)
        let actual = DeltaCodec.encode(request(shards: [full])).count
        #expect(DeltaCodec.byteBound(full) < actual * 9 / 8)
    }
}
