/// Why an exchange has no complete answer.
package enum HTTPProblem: Hashable, Sendable {
    /// No connection: the server cannot have seen the request.
    case unreachable
    /// No trusted TLS session: the server cannot have seen the request.
    case untrusted
    /// Connecting or the whole exchange took too long, or bytes arrived too slowly.
    case timeout
    /// The connection ended or broke before the answer was complete.
    case torn
    /// The answer exceeds the configured size.
    case oversize
    /// Ended by the conversation's ``StopSignal``.
    case stopped
    /// libcurl could not start: out of memory, or built without a required feature.
    case library
}
