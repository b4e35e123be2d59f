/// Reads files that contain one secret in hexadecimal digits.
enum HexadecimalFile {
    /// The text at `path`: the given number of hexadecimal digits and optionally a line break.
    /// Errors repeat nothing of the file.
    static func load(path: String, digits: Int) throws(TopologyFileError) -> String {
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
