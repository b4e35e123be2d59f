import DeltaProtocol

/// The commands that HQ offered to a node. The node executes each once while it is remembered, and
/// sends its outcome until HQ has received it.
struct CommandBook {
    /// Maximum number of remembered commands. HQ offers one for hours at most, and executing one
    /// twice is harmless.
    static let rememberedMax = 1_000

    private enum State {
        case underWay
        case over(CommandOutcome.Result)
    }

    private var states: [String: State] = [:]
    /// The ids in `states`, the oldest first.
    private var order: [String] = []
    /// The ids whose outcome HQ has not received, oldest first.
    private var untold: [String] = []

    /// True if the node should execute an offered command now. For a published one it reports the
    /// outcome again instead; a failed one is retried.
    mutating func takes(_ id: String) -> Bool {
        switch states[id] {
        case .underWay: return false
        case .over(.published):
            tell(id)
            return false
        case .over(.failed), nil: break
        }
        if states.updateValue(.underWay, forKey: id) == nil { order.append(id) }
        untold.removeAll { $0 == id }
        while order.count > Self.rememberedMax {
            let forgotten = order.removeFirst()
            states[forgotten] = nil
            untold.removeAll { $0 == forgotten }
        }
        return true
    }

    /// Records the outcome of a command in progress.
    mutating func note(_ result: CommandOutcome.Result, of id: String) {
        guard case .underWay = states[id] else { return }
        states[id] = .over(result)
        tell(id)
    }

    private mutating func tell(_ id: String) {
        if !untold.contains(id) { untold.append(id) }
    }

    /// The outcomes that the next request carries.
    var outcomes: [CommandOutcome] {
        untold.prefix(Limits.outcomesPerRequest).compactMap { id in
            guard case .over(let result) = states[id] else { return nil }
            return CommandOutcome(command: id, result: result)
        }
    }

    /// Records that HQ received these. An outcome that changed since is sent again.
    mutating func wereTold(_ outcomes: [CommandOutcome]) {
        for outcome in outcomes {
            guard case .over(let result) = states[outcome.command], result == outcome.result
            else { continue }
            untold.removeAll { $0 == outcome.command }
        }
    }
}
