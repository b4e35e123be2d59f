internal import Glibc

/// Finds what stands at a path: the paths of one length are few, and compared byte by byte.
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

    /// Nil where nothing stands there. Paths are compared as they are written: an escaped letter
    /// makes another path.
    func resource(at path: UnsafeRawBufferPointer) -> Resource? {
        guard path.count < entries.count, let base = path.baseAddress else { return nil }
        for entry in entries[path.count] where memcmp(base, entry.path, path.count) == 0 {
            return entry.resource
        }
        return nil
    }
}
