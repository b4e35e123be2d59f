package import DeltaClient
package import DeltaProtocol
package import Identifiers
package import RegionCore

/// The way to one HQ: takes one question at a time from the node and puts the answer into the
/// node's inbox.
package final class HeadquartersConnection: Sendable {
    package enum Question: Sendable {
        /// A push, in as many requests as necessary.
        case push(question: Int, DeltaRequest)
        /// A query for HQ's state of all shards, or of one partition with its values.
        case statuses(question: Int, partition: Int32?)
    }

    private let client: DeltaClient
    private let region: RegionID
    /// The index of this HQ in the configuration.
    private let place: Int
    private let inbox: Inbox<RegionEvent>
    private let questions: AsyncStream<Question>
    private let continuation: AsyncStream<Question>.Continuation

    /// Does not connect yet.
    package init(
        _ configuration: DeltaClientConfiguration, place: Int, region: RegionID,
        inbox: Inbox<RegionEvent>
    ) throws {
        client = try DeltaClient(configuration)
        self.place = place
        self.region = region
        self.inbox = inbox
        (questions, continuation) = AsyncStream.makeStream(
            of: Question.self, bufferingPolicy: .unbounded)
    }

    /// Queues a question. The node sends none before the last one is answered.
    package func send(_ question: Question) { continuation.yield(question) }

    /// Answers questions until `stop`.
    package func run() async {
        for await question in questions {
            switch question {
            case .push(let number, let request): await push(request, question: number)
            case .statuses(let number, let partition):
                let answer = await client.statuses(region: region, partition: partition)
                put(answer, question: number) {
                    .statuses(hq: place, question: number, $0)
                }
            }
        }
    }

    /// The push ends with the first part that HQ does not answer.
    private func push(_ request: DeltaRequest, question: Int) async {
        let parts = DeltaClient.split(request)
        for (index, part) in parts.enumerated() {
            let answer = await client.push(part)
            let isLast = index == parts.count - 1
            let isAnswered = put(answer, question: question) {
                .reply(hq: place, question: question, $0, isLast: isLast)
            }
            guard isAnswered else { return }
        }
    }

    @discardableResult
    private func put<Value>(
        _ answer: HeadquartersAnswer<Value>, question: Int, _ event: (Value) -> RegionEvent
    ) -> Bool {
        switch answer {
        case .answered(let value):
            inbox.put(event(value))
            return true
        case .retry(let problem, let after):
            let reason = NoAnswer.unknown(problem: problem.description, retryAfter: after)
            inbox.put(.noAnswer(hq: place, question: question, reason))
        case .refused(let status, let title):
            let reason = NoAnswer.refused(problem: "\(status) \(title)")
            inbox.put(.noAnswer(hq: place, question: question, reason))
        }
        return false
    }

    /// Ends `run`. The exchange in progress is aborted within a second.
    package func stop() async {
        continuation.finish()
        await client.stop()
    }
}
