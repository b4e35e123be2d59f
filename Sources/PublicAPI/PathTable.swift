internal import Glibc

/// Finds the resource at a path. Few paths have the same length; it compares those byte by byte.
struct PathTable: Sendable {
    private struct Entry: Sendable {
        let path: [UInt8]
        let resource: Resource
    }

    /// By the length of the path.
    private var entries: [[Entry]] = []

    init(_ paths: some Sequence<(path: String, resource: Resource)>) {
        for (path, resource) in paths {
            let bytes = Array(path.utf8)
            while entries.count <= bytes.count { entries.append([]) }
            entries[bytes.count].append(Entry(path: bytes, resource: resource))
        }
    }

    /// Nil if there is no resource. Compares paths without decoding: an escaped letter makes a
    /// different path.
    func resource(at path: UnsafeRawBufferPointer) -> Resource? {
        guard path.count < entries.count, let base = path.baseAddress else { return nil }
        for entry in entries[path.count] where memcmp(base, entry.path, path.count) == 0 {
            return entry.resource
        }
        return nil
    }
}
