internal import HTTPClient

/// The result of one exchange with HQ. Only `answered` acknowledges anything.
package enum HeadquartersAnswer<Value: Sendable>: Sendable {
    /// HQ's answer arrived complete and was decoded completely.
    case answered(Value)
    /// It is unknown whether HQ acted. Asking again, after a backoff, does no harm. `after` is HQ's
    /// Retry-After, at most a day.
    case retry(DeliveryProblem, after: Duration?)
    /// HQ understood and refused, so the same request fails until an operator changes something:
    /// retry slowly. `title` is HQ's reason, at most 200 printable characters, empty if it gave
    /// none.
    case refused(status: Int, title: String)
}

extension HeadquartersAnswer: Equatable where Value: Equatable {}

/// Why an exchange with HQ has no usable answer.
package enum DeliveryProblem: Hashable, Sendable, CustomStringConvertible {
    /// No connection: HQ cannot have seen the request.
    case unreachable
    /// No trusted TLS session: HQ cannot have seen the request.
    case untrusted
    /// Connecting, or the whole exchange, took too long, or bytes came too slowly.
    case timeout
    /// The connection ended before the answer was complete.
    case torn
    /// The answer is larger than any valid one.
    case oversize
    /// 200, but not an answer to this request.
    case unintelligible
    /// 408, 425, 429 or 5xx.
    case status(Int)
    /// The client was stopped before the answer came.
    case stopped
    /// Too many exchanges are already waiting.
    case busy
    /// libcurl could not start: out of memory, or built without a feature that we need.
    case library

    /// For logs and metric labels: few values, no outside data.
    package var description: String {
        switch self {
        case .unreachable: "unreachable"
        case .untrusted: "untrusted"
        case .timeout: "timeout"
        case .torn: "torn"
        case .oversize: "oversize"
        case .unintelligible: "unintelligible"
        case .status(let status): "status_\(status)"
        case .stopped: "stopped"
        case .busy: "busy"
        case .library: "library"
        }
    }
}

extension DeliveryProblem {
    init(_ problem: HTTPProblem) {
        self =
            switch problem {
            case .unreachable: .unreachable
            case .untrusted: .untrusted
            case .timeout: .timeout
            case .torn: .torn
            case .oversize: .oversize
            case .stopped: .stopped
            case .library: .library
            }
    }
}
