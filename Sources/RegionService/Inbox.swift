import Synchronization

/// Messages of other threads to the node, taken all at once, in order. Bounded by its senders, each
/// of which waits for the node before it sends again.
package final class Inbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])

    package init() {}

    func put(_ message: Message) {
        messages.withLock { $0.append(message) }
    }

    /// Returns everything put since the last call, in order.
    package func takeAll() -> [Message] {
        messages.withLock { messages in
            defer { messages.removeAll(keepingCapacity: true) }
            return messages
        }
    }
}
