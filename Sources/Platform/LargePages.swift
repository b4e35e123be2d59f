internal import Glibc

/// Zeroed memory for tables of many megabytes, in pages of 2 MiB where the kernel has them (Linux's
/// transparent huge pages, `madvise` or `always`). A day's ids, 128 MiB, are 64 such pages instead
/// of 32,768 (`perf stat -e page-faults` of a rollup), and few of their look-ups wait for address
/// translation.
package enum LargePages {
    /// Less than one large page comes from the heap.
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= largePageBytes else {
            let bytes = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            return bytes
        }
        // Anonymous memory is zero, and costs nothing until it is touched.
        let mapped = mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED else {
            preconditionFailure("the system has no \(byteCount) bytes for a table")
        }
        // A kernel without large pages refuses, which costs only speed.
        _ = madvise(mapped, byteCount, MADV_HUGEPAGE)
        return mapped
    }

    /// Frees what `allocate` returned for the same `byteCount`.
    package static func deallocate(_ bytes: UnsafeMutableRawPointer, byteCount: Int) {
        guard byteCount >= largePageBytes else { return bytes.deallocate() }
        munmap(bytes, byteCount)
    }

    private static let largePageBytes = 2 << 20
}
