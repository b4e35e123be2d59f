/// Why an exchange brought no whole answer.
package enum HTTPProblem: Hashable, Sendable {
    /// No connection: the server cannot have seen the request.
    case unreachable
    /// No trusted TLS session: the server cannot have seen the request.
    case untrusted
    /// Connecting, or the whole exchange, took too long, or bytes came too slowly.
    case timeout
    /// The connection ended, or broke, before the answer was complete.
    case torn
    /// More bytes of answer than were asked for.
    case oversize
    /// Ended by the conversation's ``StopSignal``.
    case stopped
    /// libcurl could not begin: out of memory, or built without what we need.
    case library
}
