/// Reads the file with the key that transfer ids are hashed with.
package enum IDKeyFile {
    /// How many hexadecimal digits the key has: 128 bits.
    package static let digits = 32

    /// The key at `path` as 32 hexadecimal digits: the file holds them and at most a line break.
    /// An error repeats nothing of the file.
    package static func load(path: String) throws(TopologyFileError) -> String {
        func refuse(_ expected: String) -> TopologyFileError {
            TopologyFileError(
                problems: [FileProblem(file: path, line: 1, key: "file", expected: expected)])
        }
        var text: String
        do {
            text = try TextFile.read(path)
        } catch {
            throw refuse(error.expected)
        }
        if text.last == "\n" || text.last == "\r\n" { text.removeLast() }
        guard text.utf8.count == digits, text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw refuse("\(digits) hexadecimal digits and nothing else")
        }
        return text
    }
}
