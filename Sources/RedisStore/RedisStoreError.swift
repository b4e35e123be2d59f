/// Why an operation of the store failed. The description is safe to print: it holds no value, key
/// or secret.
package struct RedisStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The configuration cannot be used: an endpoint outside this machine.
        case configuration
        /// No connection, or the next attempt to connect is not due yet. No effect.
        case unavailable
        /// Redis was silent too long. Whether a write took effect is unknown.
        case timedOut
        /// The connection ended. Whether a write took effect is unknown.
        case connectionLost
        /// Redis answered with an error; its first word, such as OOM or READONLY.
        case server(String)
        /// Redis answered something else than asked for.
        case unexpectedReply
        /// Other writers were always faster. No effect.
        case contended
        /// Too many operations wait, or the operation's time ran out before it began. No effect.
        case overloaded
        /// The store is stopped. No effect.
        case stopped
        /// The store has a later topology than this HQ, of this generation (0 if not read). No
        /// effect.
        case topologyOld(stored: Int64)
    }

    package var code: Code
    /// What was tried, in words of ours.
    package var doing: String

    init(_ code: Code, doing: String) {
        self.code = code
        self.doing = doing
    }

    /// Whether the same call can succeed later without anyone's help.
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
            case .unavailable: "Redis cannot be reached"
            case .timedOut: "Redis did not answer in time"
            case .connectionLost: "the connection to Redis ended"
            case .server(let word): "Redis answered \(word)"
            case .unexpectedReply: "Redis gave an answer of another kind"
            case .contended: "other writers were faster each time"
            case .overloaded: "too many operations wait for Redis"
            case .stopped: "the store is stopped"
            case .topologyOld(let stored):
                stored > 0
                    ? "this HQ's topology is older than the store's, which has generation \(stored)"
                    : "this HQ's topology is older than the store's"
            }
        return "\(doing): \(reason)"
    }
}
