package import Aggregation

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension ZeroedMemory {
    /// Memory mapped from the kernel, in pages of 2 MiB where it has them (Linux's transparent huge
    /// pages, `madvise` or `always`). Smaller tables are on the heap. A day's ids, 128 MiB, need 64
    /// such pages instead of 32,768 (`perf stat -e page-faults` of a rollup), and few of their
    /// look-ups wait for address translation.
    package static let largePages = ZeroedMemory(
        allocate: { byteCount in
            guard byteCount >= largePageBytes else { return heap.allocate(byteCount) }
            // Anonymous memory is zero and costs nothing until it is touched.
            let mapped = mmap(
                nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let mapped, mapped != MAP_FAILED else {
                preconditionFailure("the system cannot map \(byteCount) bytes for an id table")
            }
            #if canImport(Glibc)
                // A kernel without large pages returns an error, which is harmless.
                _ = madvise(mapped, byteCount, MADV_HUGEPAGE)
            #endif
            return mapped
        },
        deallocate: { bytes, byteCount in
            guard byteCount >= largePageBytes else { return heap.deallocate(bytes, byteCount) }
            munmap(bytes, byteCount)
        })

    private static let largePageBytes = 2 << 20
}
