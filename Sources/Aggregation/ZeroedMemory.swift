/// Where a large table lives: memory that is all zero when it is handed out.
///
/// The core knows no operating system. Who owns the process may hand it memory in large pages,
/// which costs a table of random look-ups a fraction of the address translation.
@safe
package struct ZeroedMemory: Sendable {
    /// Hands out that many bytes, all zero, aligned to 64 at least; the number is above 0.
    package let allocate: @Sendable (_ byteCount: Int) -> UnsafeMutableRawPointer
    /// Takes back what `allocate` handed out for the same number of bytes.
    package let deallocate: @Sendable (UnsafeMutableRawPointer, _ byteCount: Int) -> Void

    package init(
        allocate: @escaping @Sendable (_ byteCount: Int) -> UnsafeMutableRawPointer,
        deallocate: @escaping @Sendable (UnsafeMutableRawPointer, _ byteCount: Int) -> Void
    ) {
        unsafe self.allocate = allocate
        unsafe self.deallocate = deallocate
    }

    /// The heap, as everything else has it.
    package static let heap = unsafe ZeroedMemory(
        allocate: { byteCount in
            let bytes = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            return unsafe bytes
        },
        deallocate: { bytes, _ in unsafe bytes.deallocate() })
}
