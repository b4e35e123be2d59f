internal import DeltaCodec
package import DeltaProtocol
internal import HTTPClient
package import Identifiers
internal import Platform

/// A node's conversation with one HQ: one connection, kept alive, one exchange at a time.
///
/// All blocking work, encoding included, runs on a dedicated thread. Calls may come from any task;
/// a bounded number may wait, and further ones get `retry(.busy)` at once. The client never
/// retries: the caller decides when to try again, with `Backoff`.
package final class DeltaClient: Sendable {
    /// Maximum bytes of an answer's body.
    package static let maximumAnswerBytes = Limits.replyBytes
    /// Maximum number of exchanges waiting for the one that runs.
    private static let waitingExchanges = 16
    private static let deltasPath = "/internal/v1/rollup/deltas"
    private static let shardsPath = "/internal/v1/rollup/shards"
    private static let headers = [
        "Content-Type: application/x-protobuf", "Accept: application/x-protobuf",
    ]

    private let thread: WorkerThread<HTTPConversation>
    private let stopSignal = StopSignal()

    /// Does not connect yet.
    /// - Throws: For an invalid URL; for plain HTTP to another machine without
    ///   `allowsPlainHTTP`; for times that are not positive; if no thread can be created.
    package init(_ configuration: DeltaClientConfiguration) throws(DeltaClientError) {
        let url = try HeadquartersURL(
            configuration.url, allowsPlainHTTP: configuration.allowsPlainHTTP)
        guard configuration.connectTimeout >= .milliseconds(1),
            configuration.totalTimeout >= .milliseconds(1), configuration.slowTime >= .seconds(1),
            configuration.slowBytesPerSecond >= 1
        else { throw DeltaClientError("timeouts: expected positive times") }
        let stopSignal = stopSignal
        let bounds = HTTPClientConfiguration(
            certificateAuthorities: configuration.certificateAuthorities,
            connectTimeout: configuration.connectTimeout,
            totalTimeout: configuration.totalTimeout,
            slowBytesPerSecond: configuration.slowBytesPerSecond, slowTime: configuration.slowTime,
            maximumBodyBytes: Self.maximumAnswerBytes)
        do {
            thread = try WorkerThread(name: "delta-client", capacity: Self.waitingExchanges) {
                HTTPConversation(bounds, address: url.address, stop: stopSignal)
            }
        } catch {
            throw DeltaClientError("thread: \(error)")
        }
    }

    /// Splits the request into requests that HQ accepts, each to be pushed separately.
    package static func split(_ request: DeltaRequest) -> [DeltaRequest] {
        DeltaCodec.split(request)
    }

    /// Pushes one request. An answer contains every shard of it exactly once.
    package func push(_ request: DeltaRequest) async -> HeadquartersAnswer<DeltaReply> {
        await perform { conversation in
            let body = DeltaCodec.encode(request)
            let exchanged = conversation.exchange(
                HTTPRequest(path: Self.deltasPath, headers: Self.headers, body: body))
            switch exchanged {
            case .problem(let problem): return .retry(DeliveryProblem(problem), after: nil)
            case .response(let response):
                return AnswerReading.read(response) { AnswerReading.reply($0, to: request) }
            }
        }
    }

    /// Queries HQ's state of the region's shards or, with a partition, of that partition of each
    /// log, values included.
    package func statuses(
        region: RegionID, partition: Int32? = nil
    ) async -> HeadquartersAnswer<ShardStatuses> {
        let query = "?region=\(region)" + (partition.map { "&partition=\($0)" } ?? "")
        return await perform { conversation in
            let exchanged = conversation.exchange(
                HTTPRequest(path: Self.shardsPath + query, headers: Self.headers))
            switch exchanged {
            case .problem(let problem): return .retry(DeliveryProblem(problem), after: nil)
            case .response(let response):
                return AnswerReading.read(response) { try? DeltaCodec.decodeStatuses($0) }
            }
        }
    }

    /// Ends the running exchange within a second, answers all others `retry(.stopped)`, and returns
    /// when the thread and the connection are gone.
    package func stop() async {
        stopSignal.stop()
        await thread.stop()
    }

    private func perform<Value>(
        _ exchange: @escaping @Sendable (inout HTTPConversation) -> HeadquartersAnswer<Value>
    ) async -> HeadquartersAnswer<Value> {
        do {
            return try await thread.perform { conversation in exchange(&conversation) }
        } catch WorkerThreadError.overloaded {
            return .retry(.busy, after: nil)
        } catch {
            return .retry(.stopped, after: nil)
        }
    }
}
