import Foundation
import Rollup

/// Runs `body` with temporary files of these contents.
func withFiles<Answer>(
    _ contents: [[UInt8]], _ body: ([RollupInput]) throws -> Answer
) throws -> Answer {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("rollup-\(UInt64.random(in: .min ... .max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let inputs = try contents.enumerated().map { index, bytes in
        let file = folder.appendingPathComponent("\(index).ndjson")
        try Data(bytes).write(to: file)
        return RollupInput.file(path: file.path)
    }
    return try body(inputs)
}

/// The rollup of files with these contents.
func rollup(
    _ contents: [[UInt8]], dedupes: Bool = true, threads: Int = 2
) throws -> RollupResult {
    try withFiles(contents) { inputs in
        var rollup = Rollup(inputs: inputs, threads: threads)
        rollup.dedupes = dedupes
        return try rollup.run()
    }
}

/// The rollup of one file with this text.
func rollup(_ text: String, dedupes: Bool = true) throws -> RollupResult {
    try rollup([Array(text.utf8)], dedupes: dedupes)
}
