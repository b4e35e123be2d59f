/// Why an operation of the store failed. The description contains no value, key or secret, so it is
/// safe to print.
package struct RedisStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The configuration is invalid: an endpoint outside this machine.
        case configuration
        /// No connection, or the next connection attempt is not due yet. No effect.
        case unavailable
        /// Redis did not answer in time. Whether a write took effect is unknown.
        case timedOut
        /// The connection ended. Whether a write took effect is unknown.
        case connectionLost
        /// Redis answered with an error; its first word, such as OOM or READONLY.
        case server(String)
        /// Redis answered with another type than requested.
        case unexpectedReply
        /// Other writers were faster each time. No effect.
        case contended
        /// Too many operations are waiting, or the operation's time ran out before it began. No
        /// effect.
        case overloaded
        /// The store was stopped. No effect.
        case stopped
        /// The store has a later topology than this HQ, of this generation (0 if not read). No
        /// effect.
        case topologyOld(stored: Int64)
    }

    package var code: Code
    /// The operation attempted, in our own words.
    package var doing: String

    init(_ code: Code, doing: String) {
        self.code = code
        self.doing = doing
    }

    /// True if the same call may succeed later without intervention.
    package var isRetriable: Bool {
        switch code {
        case .configuration, .stopped: false
        case .server(let word): !["NOAUTH", "WRONGPASS", "NOPERM"].contains(word)
        default: true
        }
    }

    package var description: String {
        let reason =
            switch code {
            case .configuration: "the endpoint is not on this machine"
            case .unavailable: "cannot reach Redis"
            case .timedOut: "Redis did not answer in time"
            case .connectionLost: "the connection to Redis ended"
            case .server(let word): "Redis answered \(word)"
            case .unexpectedReply: "Redis sent an unexpected reply"
            case .contended: "other writers were faster each time"
            case .overloaded: "too many operations are waiting for Redis"
            case .stopped: "the store is stopped"
            case .topologyOld(let stored):
                stored > 0
                    ? "this HQ's topology is older than the store's, which has generation \(stored)"
                    : "this HQ's topology is older than the store's"
            }
        return "\(doing): \(reason)"
    }
}
