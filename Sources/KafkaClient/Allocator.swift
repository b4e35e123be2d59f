internal import CJemalloc

/// The process's allocator.
///
/// librdkafka allocates each record on one thread and this module frees it on another. The C
/// library's allocator makes the two take turns at one lock; jemalloc does not, and
/// `Tests/Benchmarks/kafka_bench.py` tells the difference. Linking it is all it takes: it then
/// serves the whole process.
package enum Allocator {
    /// How many bytes the calling thread has allocated of jemalloc so far; it stays 0 where
    /// something else serves `malloc`.
    package static var allocatedByThread: UInt64 {
        var bytes: UInt64 = 0
        var size = MemoryLayout.size(ofValue: bytes)
        return mallctl("thread.allocated", &bytes, &size, nil, 0) == 0 ? bytes : 0
    }
}
