package import Aggregation

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension ZeroedMemory {
    /// Memory of the kernel's own, in pages of 2 MiB where it has them (Linux's transparent huge
    /// pages, `madvise` or `always`); a table below that size lives on the heap. A day's ids, 128
    /// MiB, are 64 such pages in place of 32,768 (`perf stat -e page-faults` of a rollup), and few
    /// of their look-ups wait for address translation.
    package static let largePages = ZeroedMemory(
        allocate: { byteCount in
            guard byteCount >= largePageBytes else { return heap.allocate(byteCount) }
            // Anonymous memory is zero, and costs nothing until it is touched.
            let mapped = mmap(
                nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let mapped, mapped != MAP_FAILED else {
                preconditionFailure("the system has no \(byteCount) bytes for an id table")
            }
            #if canImport(Glibc)
                // A kernel without large pages says no, and nothing else is lost.
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
