/// Allocates large tables: memory that is all zero when handed out.
///
/// The core knows no operating system. The process's owner may supply memory in large pages, which
/// makes address translation for random look-ups much cheaper.
@safe
package struct ZeroedMemory: Sendable {
    /// Allocates `byteCount` zero bytes, aligned to at least 64; the count is above 0.
    package let allocate: @Sendable (_ byteCount: Int) -> UnsafeMutableRawPointer
    /// Frees memory that `allocate` returned for the same `byteCount`.
    package let deallocate: @Sendable (UnsafeMutableRawPointer, _ byteCount: Int) -> Void

    package init(
        allocate: @escaping @Sendable (_ byteCount: Int) -> UnsafeMutableRawPointer,
        deallocate: @escaping @Sendable (UnsafeMutableRawPointer, _ byteCount: Int) -> Void
    ) {
        unsafe self.allocate = allocate
        unsafe self.deallocate = deallocate
    }

    /// Allocates from the heap.
    package static let heap = unsafe ZeroedMemory(
        allocate: { byteCount in
            let bytes = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            return unsafe bytes
        },
        deallocate: { bytes, _ in unsafe bytes.deallocate() })
}
