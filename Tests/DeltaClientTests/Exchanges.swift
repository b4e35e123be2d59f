import CivilTime
import DeltaClient
import DeltaCodec
import DeltaProtocol
import HTTPTestSupport
import Identifiers
import Money

func pushOf(shards: Int) -> DeltaRequest {
    DeltaRequest(
        foldVersion: FoldVersion(rules: 1, settings: 1, digest: 1), region: RegionID("eu-west")!,
        node: "node-1", sentAt: UnixTime(milliseconds: 1_774_445_101_000),
        partitionCounts: [LogID("settled-1")!: 12],
        shards: (0..<shards).map { partition in
            ShardDelta(
                log: LogID("settled-1")!, partition: Int32(partition), base: 10, coverage: 20,
                claims: Claims(from: Minute(29_456_000)), buckets: manyBuckets(count: 4))
        })
}

func manyBuckets(count: Int) -> [Bucket] {
    let currencies = Currency.all.prefix(50)
    return (0..<count).map { number in
        Bucket(
            minute: Minute(29_456_000 + Int32(number / currencies.count)),
            currency: currencies[number % currencies.count],
            value: BucketValue(settled: Int64(number) * 1_000_003, transfers: Int64(number)))
    }
}

func replyTo(_ request: DeltaRequest) -> DeltaReply {
    DeltaReply(
        shards: request.shards.map {
            ShardReply(
                log: $0.log, partition: $0.partition, outcome: .committed, watermark: $0.coverage,
                claims: $0.claims)
        }, serverTime: UnixTime(milliseconds: 1_774_445_101_500))
}

func committed(_ request: DeltaRequest) -> [UInt8] {
    answer(200, body: DeltaCodec.encode(replyTo(request)))
}

/// A client of the peer with timeouts short enough for a test.
func withPeer(
    _ behavior: ScriptedPeer.Behavior, change: (inout DeltaClientConfiguration) -> Void = { _ in },
    _ body: (ScriptedPeer, DeltaClient) async throws -> Void
) async throws {
    try await withPeer({ _, _ in behavior }, change: change, body)
}

func withPeer(
    _ script: @escaping @Sendable (Int, ScriptedPeer.Request) -> ScriptedPeer.Behavior,
    change: (inout DeltaClientConfiguration) -> Void = { _ in },
    _ body: (ScriptedPeer, DeltaClient) async throws -> Void
) async throws {
    let peer = try ScriptedPeer(script)
    var configuration = DeltaClientConfiguration(url: peer.url)
    configuration.slowTime = .seconds(1)
    change(&configuration)
    let client = try DeltaClient(configuration)
    do { try await body(peer, client) } catch {
        await client.stop()
        await peer.stop()
        throw error
    }
    await client.stop()
    await peer.stop()
}
