internal import DeltaCodec
internal import DeltaProtocol
internal import FoundationEssentials
internal import HTTPClient
internal import Identifiers

/// Interprets a whole HTTP answer. Pure.
enum AnswerReading {
    /// The maximum number of characters kept of a refusal's title.
    static let maximumTitleCharacters = 200
    /// A larger problem document is not parsed.
    static let maximumProblemBytes = 64 << 10

    /// - Parameter decode: returns nil if the body does not answer the request.
    static func read<Value>(
        _ response: HTTPResponse, decode: ([UInt8]) -> Value?
    ) -> HeadquartersAnswer<Value> {
        switch response.status {
        case 200:
            guard DeltaCodec.Format(contentType: response.contentType) == .protobuf,
                let value = decode(response.body)
            else { return .retry(.unintelligible, after: response.retryAfter) }
            return .answered(value)
        case 408, 425, 429, 500...599:
            return .retry(.status(response.status), after: response.retryAfter)
        default:
            return .refused(status: response.status, title: title(response))
        }
    }

    /// The reply, if it answers exactly the shards of the request, each once. Bytes cut between two
    /// shards decode, but acknowledge nothing.
    static func reply(_ body: [UInt8], to request: DeltaRequest) -> DeltaReply? {
        guard let reply = try? DeltaCodec.decodeReply(body) else { return nil }
        let asked = request.shards.map { LogPartition(log: $0.log, partition: $0.partition) }
        let answered = reply.shards.map { LogPartition(log: $0.log, partition: $0.partition) }
        return asked.sorted() == answered.sorted() ? reply : nil
    }

    private struct ProblemDocument: Decodable {
        var title: String
    }

    private static func title(_ response: HTTPResponse) -> String {
        guard response.contentType.lowercased().hasPrefix("application/problem+json"),
            response.body.count <= maximumProblemBytes,
            let problem = try? JSONDecoder().decode(ProblemDocument.self, from: Data(response.body))
        else { return "" }
        // HQ's text ends up in logs: remove line breaks and terminal codes.
        let printable = problem.title.unicodeScalars.filter {
            !$0.properties.isDefaultIgnorableCodePoint && $0.properties.generalCategory != .control
                && $0.properties.generalCategory != .lineSeparator
                && $0.properties.generalCategory != .paragraphSeparator
        }
        return String(String(String.UnicodeScalarView(printable)).prefix(maximumTitleCharacters))
    }
}
