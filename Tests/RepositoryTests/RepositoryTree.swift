import FoundationEssentials

/// A text file of the repository.
struct RepositoryFile: Sendable {
    /// Path from the root of the repository.
    let path: String
    let text: String

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    var isSwift: Bool { path.hasSuffix(".swift") }

    /// Whether the file is generated code, which keeps its own layout.
    var isGenerated: Bool { path.hasSuffix(".pb.swift") }

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}

/// The contents of the repository without build products and private folders.
///
/// A plain value, so that tests can give rules a planted tree.
struct RepositoryTree: Sendable {
    /// Folders that rules skip: git's own, build products, downloaded tools.
    static let skippedFolders = [".git", ".swiftpm", ".venv", "__pycache__"]

    /// The prefix of build folders.
    static let buildFolderPrefix = ".build"

    /// Names that the package manager writes next to `Package.swift` and git ignores.
    static let ignoredFiles = ["Package.resolved"]

    /// Sorted by path.
    let files: [RepositoryFile]

    /// A tree of `contents`, texts by path.
    init(_ contents: [String: String]) {
        files = contents.sorted { $0.key < $1.key }
            .map { RepositoryFile(path: $0.key, text: $0.value) }
    }

    /// Names at the top level, sorted, each once.
    var topLevel: [String] {
        let names = files.compactMap { $0.path.split(separator: "/").first.map(String.init) }
        return Set(names).sorted()
    }

    var swiftFiles: [RepositoryFile] { files.filter(\.isSwift) }

    func file(_ path: String) -> RepositoryFile? { files.first { $0.path == path } }

    /// Whether the path is a file or a folder that contains one.
    func contains(_ path: String) -> Bool {
        files.contains { $0.path == path || $0.path.hasPrefix(path + "/") }
    }

    /// The files under `folder`, a path without a closing slash.
    func files(under folder: String) -> [RepositoryFile] {
        files.filter { $0.path.hasPrefix(folder + "/") }
    }
}

extension RepositoryTree {
    /// The repository that contains this file.
    static func ofThisPackage(file: String = #filePath) throws -> RepositoryTree {
        let root = file.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        var contents: [String: String] = [:]
        try read(root, prefix: "", into: &contents)
        return RepositoryTree(contents)
    }

    private static func read(
        _ folder: String, prefix: String, into contents: inout [String: String]
    ) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            guard !skippedFolders.contains(name), !name.hasPrefix(buildFolderPrefix),
                !ignoredFiles.contains(name), !name.hasSuffix(".pyc")
            else { continue }
            let path = folder + "/" + name
            var isFolder = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                continue
            }
            if isFolder {
                try read(path, prefix: prefix + name + "/", into: &contents)
            } else if let data = FileManager.default.contents(atPath: path) {
                // A binary file counts as empty text, so that its name and place are still checked.
                contents[prefix + name] =
                    data.contains(0) ? "" : String(decoding: data, as: UTF8.self)
            }
        }
    }
}
