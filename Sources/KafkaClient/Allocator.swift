internal import CJemalloc

/// The process's allocator.
///
/// librdkafka allocates each record on one thread and this module frees it on another. The C
/// library's allocator makes the two take turns at one lock: a consumer with jemalloc reads and
/// folds a third more records a second. Linking it is all it takes; it then serves the whole
/// process.
package enum Allocator {
    /// The version of the jemalloc in use; nil where something else serves `malloc`.
    package static var version: String? {
        var text: UnsafePointer<CChar>?
        var size = MemoryLayout.size(ofValue: text)
        guard mallctl("version", &text, &size, nil, 0) == 0, let text else { return nil }
        return String(cString: text)
    }

    /// How many bytes this thread has allocated of it so far.
    package static var allocatedByThread: UInt64 {
        var bytes: UInt64 = 0
        var size = MemoryLayout.size(ofValue: bytes)
        return mallctl("thread.allocated", &bytes, &size, nil, 0) == 0 ? bytes : 0
    }
}
