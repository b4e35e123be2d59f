import KafkaClient
import Testing

@Suite struct AllocatorTests {
    /// jemalloc could be linked and unused; only this test would notice.
    @Test func `Swift allocates from jemalloc`() {
        let before = Allocator.allocatedByThread
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { bytes.deallocate() }
        #expect(Allocator.allocatedByThread >= before + (1 << 20))
    }
}
