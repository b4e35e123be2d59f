package import Addresses
internal import CivilTime
internal import DeltaCodec
package import DeltaProtocol
package import HTTPListener
internal import HTTPTypes
package import Hummingbird
package import Identifiers
package import Logging
internal import NIOCore
internal import Synchronization

/// The backend of the ingest interface. It answers per shard, and throws `IngestUnavailable` if it
/// cannot answer at all.
package protocol DeltaHandler: Sendable {
    /// Commits a request and answers every shard of it, in any order.
    func commit(_ request: DeltaRequest) async throws(IngestUnavailable) -> DeltaReply
    /// HQ's state of a region's shards or, with values, of one partition of each log.
    func statuses(
        region: RegionID, partition: Int32?
    ) async throws(IngestUnavailable) -> ShardStatuses
}

/// Commits or reads are impossible now. Whether a commit took effect is unknown.
package struct IngestUnavailable: Error {
    /// When to ask again.
    package var retryAfterSeconds: Int

    package init(retryAfterSeconds: Int = 1) { self.retryAfterSeconds = retryAfterSeconds }
}

/// The interface that regions push to, `/internal/v1/rollup/…`.
///
/// An error in the envelope of a request is a 4xx problem and commits nothing. An error within one
/// shard is that shard's answer, next to those of the others. Requests are not signed, so the
/// interface listens only on loopback.
package struct DeltaIngest: Sendable {
    package static let deltasPath = "/internal/v1/rollup/deltas"
    package static let shardsPath = "/internal/v1/rollup/shards"
    /// Maximum concurrent commits. Further ones get 503.
    package static let requestsMax = 32
    /// Maximum bytes of large bodies in memory, received in full or in part. A request that exceeds
    /// it gets 503. A body still arriving does not count as a commit.
    package static let bodyBytesMax = 192 << 20
    /// The same for bodies that declare a small length. Regions without a backlog send only these,
    /// so large bodies cannot keep them out.
    package static let smallBodyBytesMax = 64 << 20
    /// The maximum length of a small body.
    package static let smallBodyBytes = 64 << 10
    /// Maximum concurrent different readings of the store. Requests for the same reading share one.
    package static let readingsMax = 4
    /// Nodes need one connection each. The rest is room for slow clients until they are
    /// disconnected.
    package static let connectionsMax = 4_096

    private let regions: Set<RegionID>
    private let handler: any DeltaHandler
    private let logger: Logger
    private let pace: RequestPace
    private let commits = Gate(places: requestsMax)
    private let bodies = Gate(places: bodyBytesMax)
    private let smallBodies = Gate(places: smallBodyBytesMax)
    private let readings = SharedReadings<Reading, ShardStatuses>(readingsMax: readingsMax)
    private let refused: RareLog

    private struct Reading: Hashable {
        var region: RegionID
        var partition: Int32?
    }

    /// - Parameters:
    ///   - regions: the topology's regions; any other is unknown.
    ///   - pace: the slowest rate allowed for a client.
    package init(
        regions: some Sequence<RegionID>, handler: any DeltaHandler,
        pace: RequestPace = RequestPace(), logger: Logger
    ) {
        self.regions = Set(regions)
        self.handler = handler
        self.logger = logger
        self.pace = pace
        refused = RareLog(logger)
    }

    /// Creates a listener of this interface.
    ///
    /// - Parameter connectionsMax: lower it if the process may open fewer files.
    /// - Throws: `ListenerError` for an address that other machines can reach.
    package func listener(
        on address: HostPort, connectionsMax: Int = connectionsMax,
        onListening: @escaping @Sendable (HostPort) async -> Void
    ) throws(ListenerError) -> Listener {
        guard address.isLoopback else {
            throw ListenerError(
                address: address,
                reason: "ingest accepts unsigned requests, so it listens only on loopback")
        }
        var configuration = Listener.Configuration(
            address: address, connectionsMax: connectionsMax)
        configuration.pace = pace
        return Listener(
            configuration: configuration, logger: logger, onListening: onListening, answer: answer)
    }

    /// Answers one request.
    package func answer(_ request: Request) async -> Response {
        do {
            switch (request.uri.path, request.method) {
            case (Self.deltasPath, .post): return try await takeDeltas(request)
            case (Self.deltasPath, _): throw Problem.methodNotAllowed(allowed: "POST")
            case (Self.shardsPath, .get), (Self.shardsPath, .head):
                return try await showShards(request)
            case ("/livez", .get), ("/livez", .head): return Self.plain("ok\n")
            case ("/readyz", .get), ("/readyz", .head):
                // Answer readiness with a reading that needs only the store.
                if let region = regions.min() { _ = try await statuses(region, nil) }
                return Self.plain("ok\n")
            case (Self.shardsPath, _), ("/livez", _), ("/readyz", _):
                throw Problem.methodNotAllowed(allowed: "GET, HEAD")
            default: throw Problem.notFound
            }
        } catch let problem as Problem {
            return problem.response
        } catch let error as IngestUnavailable {
            return Self.unavailable(error).response
        } catch let error as BodyError {
            return Self.response(to: error)
        } catch {
            logger.error("request failed", metadata: ["error": "\(error)"])
            return Problem.internalError.response
        }
    }
}

// MARK: The two requests

extension DeltaIngest {
    private func takeDeltas(_ request: Request) async throws -> Response {
        _ = try QueryParameters(request.uri.query, allowed: [])
        guard let format = request.headers[.contentType].flatMap(DeltaCodec.Format.init) else {
            throw Self.unsupported("Content-Type must be \(Self.mediaTypes).")
        }
        guard request.headers[.contentEncoding] == nil else {
            throw Self.unsupported("Content-Encoding is not supported: send the body unencoded.")
        }
        let declared = request.headers[.contentLength].flatMap { Int($0) } ?? .max
        let holding = Holding(declared <= Self.smallBodyBytes ? smallBodies : bodies)
        defer { holding.end() }
        let body = try await request.body(
            within: BodyLimits(bytesMax: Limits.requestBytes), mayHold: holding.add)
        guard commits.enter(1) else { throw IngestUnavailable() }
        defer { commits.leave(1) }
        let decoded: DecodedRequest
        do throws(DeltaCodecError) {
            decoded = try body.withUnsafeReadableBytes { bytes throws(DeltaCodecError) in
                try DeltaCodec.decodeRequest(bytes, as: format)
            }
        } catch {
            throw Self.problem(of: error)
        }
        guard regions.contains(decoded.request.region) else { throw Self.unknownRegion }

        var reply = try await handler.commit(decoded.request)
        logRefusals(reply, decoded)
        if !decoded.malformedShards.isEmpty {
            reply.shards += try await refusals(decoded)
        }
        let answered = Self.format(accepting: request, default: format)
        return Self.response(DeltaCodec.encode(reply, as: answered), answered)
    }

    /// The answers for malformed shards, each with HQ's state of it.
    private func refusals(_ decoded: DecodedRequest) async throws -> [ShardReply] {
        let statuses = try await statuses(decoded.request.region, nil)
        return decoded.malformedShards.map { shard in
            let status = statuses.shards.first {
                $0.log == shard.log && $0.partition == shard.partition
            }
            return ShardReply(
                log: shard.log, partition: shard.partition, outcome: .refused(.malformed),
                watermark: status?.watermark ?? 0, claims: status?.claims,
                fingerprint: status?.fingerprint)
        }
    }

    /// Logs one line per request, because a request can contain a thousand shards. Refusals by the
    /// store are omitted: they pass without an operator.
    private func logRefusals(_ reply: DeltaReply, _ decoded: DecodedRequest) {
        var refusals = decoded.malformedShards.map {
            "\($0.log)/\($0.partition): \($0.problem.rawValue)"
        }
        for shard in reply.shards {
            guard case .refused(let reason) = shard.outcome, reason != .store else { continue }
            refusals.append("\(shard.log)/\(shard.partition): \(reason.rawValue)")
        }
        guard !refusals.isEmpty else { return }
        refused.warning(
            "shards refused", of: decoded.request.region.name,
            metadata: [
                "region": "\(decoded.request.region)", "shards": "\(refusals.count)",
                "first": "\(refusals.prefix(Self.shardsShown).joined(separator: ", "))",
            ])
    }

    /// How many shards a log line names.
    private static let shardsShown = 4

    private func statuses(
        _ region: RegionID, _ partition: Int32?
    ) async throws(IngestUnavailable) -> ShardStatuses {
        let reading = Reading(region: region, partition: partition)
        let found = await readings.value(of: reading) { [handler] in
            do throws(IngestUnavailable) {
                return .success(try await handler.statuses(region: region, partition: partition))
            } catch {
                return .failure(error)
            }
        }
        guard let found else { throw IngestUnavailable() }
        return try found.get()
    }

    private func showShards(_ request: Request) async throws -> Response {
        let parameters = try QueryParameters(
            request.uri.query, allowed: ["region", "partition"])
        guard let region = parameters["region"].flatMap(RegionID.init(_:)) else {
            throw Problem.invalidQuery("The parameter region is missing or not a region name.")
        }
        guard regions.contains(region) else { throw Self.unknownRegion }
        var partition: Int32?
        if let text = parameters["partition"] {
            partition = Self.partition(text)
            guard partition != nil else {
                throw Problem.invalidQuery(
                    "The parameter partition is not an integer from 0 to "
                        + "\(ShardID.maximumPartitions - 1).")
            }
        }
        let statuses = try await statuses(region, partition)
        let format = Self.format(accepting: request, default: .json)
        return Self.response(DeltaCodec.encode(statuses, as: format), format)
    }

    /// Decimal digits without sign or leading zeros.
    private static func partition(_ text: String) -> Int32? {
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ $0 &- 0x30 <= 9 }),
            text == "0" || !text.hasPrefix("0"),
            let number = Int32(text), number < ShardID.maximumPartitions
        else { return nil }
        return number
    }
}

// MARK: Answers

extension DeltaIngest {
    private static let mediaTypes = DeltaCodec.Format.allCases.map(\.mediaType)
        .joined(separator: " or ")

    /// The first form that `Accept` names. With only two forms, preferences by weight are ignored.
    private static func format(
        accepting request: Request, default fallback: DeltaCodec.Format
    ) -> DeltaCodec.Format {
        let named = (request.headers[.accept] ?? "").split(separator: ",").lazy
        return named.compactMap { DeltaCodec.Format(contentType: String($0)) }.first ?? fallback
    }

    private static func response(_ bytes: [UInt8], _ format: DeltaCodec.Format) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: format.mediaType, .cacheControl: "no-store",
                .xContentTypeOptions: "nosniff",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private static func plain(_ text: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store",
                .xContentTypeOptions: "nosniff",
            ], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private static let unknownRegion = Problem(
        .notFound, kind: "unknown-region", title: "Unknown region",
        detail: "The topology of this headquarters has no such region.")

    private static func unsupported(_ detail: String) -> Problem {
        Problem(
            .unsupportedMediaType, kind: "unsupported-media-type",
            title: "Unsupported media type", detail: detail)
    }

    private static func unavailable(_ error: IngestUnavailable) -> Problem {
        .unavailable(
            "Deltas cannot be accepted now. Resending the same request is safe.",
            retryAfterSeconds: error.retryAfterSeconds)
    }

    private static func problem(of error: DeltaCodecError) -> Problem {
        switch error.code {
        case .tooLarge:
            Problem(
                .contentTooLarge, kind: "too-large", title: "Too large",
                detail: error.description)
        case .undecodable:
            Problem(
                .badRequest, kind: "undecodable", title: "Undecodable body",
                detail: error.description)
        case .unsupportedVersion:
            Problem(
                .badRequest, kind: "unsupported-version", title: "Unsupported protocol version",
                detail: error.description)
        case .invalidEnvelope:
            Problem(
                .badRequest, kind: "invalid-envelope", title: "Invalid envelope",
                detail: error.description)
        }
    }

    private static func response(to error: BodyError) -> Response {
        switch error {
        case .tooLarge(let isRead):
            let response = Problem(
                .contentTooLarge, kind: "too-large", title: "Too large",
                detail: "A body has at most \(Limits.requestBytes) bytes."
            ).response
            return isRead ? response : response.closingConnection()
        case .noRoom:
            return unavailable(.init()).response.closingConnection()
        case .tooSlow, .broken:
            return Problem(
                .requestTimeout, kind: "incomplete", title: "Incomplete request",
                detail: "The body did not arrive in time or was incomplete."
            ).response.closingConnection()
        }
    }
}
