/// Reads the file with the key that hashes transfer ids.
package enum IDKeyFile {
    /// The number of hexadecimal digits in the key: 128 bits.
    package static let digits = 32

    /// The key at `path` as 32 hexadecimal digits. The file contains them and optionally a line
    /// break. Errors repeat nothing of the file.
    package static func load(path: String) throws(TopologyFileError) -> String {
        try HexadecimalFile.load(path: path, digits: digits)
    }
}
