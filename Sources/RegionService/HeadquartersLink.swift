package import DeltaClient
package import DeltaProtocol
package import Topology

/// The way to one HQ: takes one errand at a time from the node's thread and puts the answer into
/// its inbox.
package final class HeadquartersLink: Sendable {
    package enum Errand: Sendable {
        /// The parts of one push, in order.
        case push([DeltaRequest])
        /// What HQ stands at: for all shards, or for one partition with its values.
        case statuses(partition: Int32?)
    }

    package enum Answer: Sendable {
        /// One part of a push.
        case push(DeltaRequest, HeadquartersAnswer<DeltaReply>)
        /// One that was not sent, because a part before it failed.
        case skipped(DeltaRequest)
        case statuses(partition: Int32?, HeadquartersAnswer<[ShardStatus]>)
        /// The errand is done: the next one may come.
        case idle
    }

    private let client: DeltaClient
    private let region: RegionID
    private let errands: AsyncStream<Errand>
    private let continuation: AsyncStream<Errand>.Continuation
    package let inbox = Inbox<Answer>()

    /// Connects nowhere yet.
    package init(_ configuration: DeltaClientConfiguration, region: RegionID) throws {
        client = try DeltaClient(configuration)
        self.region = region
        (errands, continuation) = AsyncStream.makeStream(
            of: Errand.self, bufferingPolicy: .unbounded)
    }

    /// Queues an errand; the node sends none before the last one's `idle`.
    package func send(_ errand: Errand) { continuation.yield(errand) }

    /// Runs errands until `stop`.
    package func run() async {
        for await errand in errands {
            switch errand {
            case .push(let requests):
                var isBroken = false
                for request in requests {
                    if isBroken {
                        inbox.put(.skipped(request))
                        continue
                    }
                    let answer = await client.push(request)
                    if case .answered = answer {} else { isBroken = true }
                    inbox.put(.push(request, answer))
                }
            case .statuses(let partition):
                let answer = await client.statuses(region: region, partition: partition)
                inbox.put(.statuses(partition: partition, answer))
            }
            inbox.put(.idle)
        }
    }

    /// Ends `run`: the exchange under way is given up within a second, not waited for.
    package func stop() async {
        continuation.finish()
        await client.stop()
    }
}
