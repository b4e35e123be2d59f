import DeltaProtocol
import Foundation
import HTTPTestSupport
import Testing

/// Everything that HQ depends on fails at once.
@Suite(.serialized) struct StaticStabilityTests {
    /// The length of the outage, and the least number of each reader's requests.
    private static let duration: Duration = .seconds(12)
    private static let answersMin = 100

    @Test("Without Redis, regions and rates, every GET is answered with the last total, labelled")
    func everythingGone() async throws {
        let redis = try RedisProcess()
        try redis.start()
        let cli = SendableRedis(redis)
        let rates = try HeadquartersServiceTests.ratesFile(in: redis.folder)
        let topology = HeadquartersScope.topology(redis: redis.socket, ratesFile: rates)
        try await HeadquartersScope.with(topology) { scope in
            let buckets = [
                HeadquartersServiceTests.bucket("EUR", 10_000),
                HeadquartersServiceTests.bucket("USD", 4_200),
            ]
            #expect(await scope.push(base: 0, coverage: 7, buckets: buckets) == .committed)
            #expect(try await scope.total { !$0.isDegraded } != nil)

            cli.redis.stop()
            try FileManager.default.removeItem(atPath: rates)
            // No region pushes any more.
            let gone = try await scope.total { $0.isDegraded }
            let frozen = try #require(gone)
            #expect(frozen.totalAmount == Decimal(string: "150.42"))

            let answered = try await Self.ask(scope, frozen)
            print("\(answered) GETs answered during the outage")
            #expect(answered >= 4 * Self.answersMin)
        }
    }

    /// Several concurrent readers request every base in turn on persistent connections.
    private static func ask(
        _ scope: HeadquartersScope, _ frozen: HeadquartersScope.Total
    ) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { readers in
            for base in ["EUR", "JPY", "KWD", "USD"] {
                readers.addTask {
                    let connection = try RawConnection(port: scope.publicPort)
                    let end = ContinuousClock.now + duration
                    var answered = 0
                    var amount: Decimal?
                    // A busy machine takes longer.
                    while answered < answersMin || ContinuousClock.now < end {
                        await connection.send(
                            "GET /v1/metrics/money-moved/24h?base_currency=\(base) HTTP/1.1\r\n"
                                + "Host: a\r\n\r\n")
                        let response = try await connection.response()
                        try #require(response.status == 200)
                        let total = try JSONDecoder().decode(
                            HeadquartersScope.Total.self, from: Data(response.body))
                        try #require(total.isDegraded)
                        try #require(total.dataAsOf == frozen.dataAsOf)
                        try #require(total.totalAmount == amount ?? total.totalAmount)
                        if base == "USD" {
                            try #require(total.totalAmount == frozen.totalAmount)
                        }
                        amount = total.totalAmount
                        answered += 1
                        // Occasional requests suffice; other tests need the cores.
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    return answered
                }
            }
            readers.addTask { try await askEverything(scope, frozen) }
            return try await readers.reduce(0, +)
        }
    }

    /// Requests all public resources repeatedly on one connection.
    private static let paths = [
        "/", "/?view=tv", "/embed", "/badge.svg", "/methodology", "/openapi.json", "/livez",
        "/readyz", "/v1/metrics/money-moved/24h", "/v1/metrics/money-moved/24h/breakdown",
        "/v1/metrics/money-moved/24h/series?base_currency=KWD",
    ]

    private static func askEverything(
        _ scope: HeadquartersScope, _ frozen: HeadquartersScope.Total
    ) async throws -> Int {
        let connection = try RawConnection(port: scope.publicPort)
        let end = ContinuousClock.now + duration
        var answered = 0
        while ContinuousClock.now < end {
            for path in paths {
                await connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                let response = try await connection.response()
                try #require(response.status == 200, "\(path)")
                if path.hasSuffix("/breakdown") {
                    try #require(response.text.contains("\"is_degraded\":true"))
                    try #require(response.text.contains("\"store_unreachable\""))
                    try #require(response.text.contains(frozen.dataAsOf))
                }
                answered += 1
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return answered
    }
}
