internal import Synchronization

/// An answer that is rendered when it is first asked for, and never again. Whoever asks meanwhile
/// waits: rendering takes a few milliseconds at most.
struct RenderedOnce<Value: Sendable>: ~Copyable, Sendable {
    private let state = Mutex<Value?>(nil)

    func value(_ render: () -> Value) -> Value {
        state.withLock { value in
            if let value { return value }
            let rendered = render()
            value = rendered
            return rendered
        }
    }
}
