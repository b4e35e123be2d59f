internal import Synchronization

/// An answer that is rendered once, on the first request. Concurrent requests wait, a few
/// milliseconds at most.
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
