import KafkaClient
import Testing

@Suite struct AllocatorTests {
    /// Were it linked and not used, nothing else would tell.
    @Test func `What is allocated comes from jemalloc`() {
        let before = Allocator.allocatedByThread
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { bytes.deallocate() }
        #expect(Allocator.allocatedByThread >= before + (1 << 20))
    }
}
