internal import DeltaCodec
package import DeltaProtocol
internal import HTTPClient
package import Topology
internal import WorkerThread

/// A node's conversation with one HQ: one connection, kept alive, one exchange at a time.
///
/// All blocking work, encoding included, is on a thread of its own. Calls may come from any task;
/// those that wait are bounded, more are answered `retry(.busy)` at once. There are no retries
/// in here: when to try again is the caller's decision, with `Backoff`.
package final class DeltaClient: Sendable {
    /// Bytes of an answer's body.
    package static let maximumAnswerBytes = Limits.replyBytes
    /// Exchanges that may wait for the one that runs.
    private static let waitingExchanges = 16
    private static let deltasPath = "/internal/v1/rollup/deltas"
    private static let shardsPath = "/internal/v1/rollup/shards"
    private static let headers = [
        "Content-Type: application/x-protobuf", "Accept: application/x-protobuf",
    ]

    private let thread: WorkerThread<HTTPConversation>
    private let stopSignal = StopSignal()

    /// Connects nowhere yet.
    /// - Throws: For a URL that is none, or plain HTTP to another machine without
    ///   `allowsPlainHTTP`; for times that are not positive; when there can be no thread.
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

    /// The request as one or more that HQ takes; each is pushed on its own.
    package static func split(_ request: DeltaRequest) -> [DeltaRequest] {
        DeltaCodec.split(request)
    }

    /// Pushes one request. An answer names every shard of it exactly once.
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

    /// Asks what HQ stands at for the region's shards; with a partition, for that partition of
    /// each log, values included.
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

    /// Ends the running exchange within a second, answers all others `retry(.stopped)`, and
    /// returns when the thread and the connection are gone.
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
