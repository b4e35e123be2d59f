import Foundation

/// A test's own folder, removed when the scope ends.
struct TemporaryFolder {
    /// Without a slash at the end.
    let path: String

    /// Runs `body` with a new folder that contains `files`, texts by name.
    static func with<Result>(
        _ files: [String: String], _ body: (TemporaryFolder) throws -> Result
    ) throws -> Result {
        let path =
            FileManager.default.temporaryDirectory.path + "/topology-tests-\(UUID().uuidString)"
        let folder = TemporaryFolder(path: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (name, text) in files { try folder.write(name, Data(text.utf8)) }
        return try body(folder)
    }

    func write(_ name: String, _ bytes: Data) throws {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: file)
    }

    /// `text` without the folder in front of file names.
    func shortened(_ text: String) -> String { text.replacing("\(path)/", with: "") }
}
