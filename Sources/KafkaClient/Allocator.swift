internal import CJemalloc

/// The process's allocator.
///
/// librdkafka allocates each record on one thread and this module frees it on another. The C
/// library's allocator makes the two threads contend for one lock; jemalloc does not, and
/// `Tests/Benchmarks/kafka_bench.py` measures the difference. Linking jemalloc is enough: it then
/// serves the whole process.
package enum Allocator {
    /// The bytes that the calling thread has allocated from jemalloc so far; 0 if another allocator
    /// serves `malloc`.
    package static var allocatedByThread: UInt64 {
        var bytes: UInt64 = 0
        var size = MemoryLayout.size(ofValue: bytes)
        return mallctl("thread.allocated", &bytes, &size, nil, 0) == 0 ? bytes : 0
    }
}
