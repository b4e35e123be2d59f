/// Reads the file with the key that transfer ids are hashed with.
package enum IDKeyFile {
    /// How many hexadecimal digits the key has: 128 bits.
    package static let digits = 32

    /// The key at `path` as 32 hexadecimal digits: the file holds them and at most a line break.
    /// An error repeats nothing of the file.
    package static func load(path: String) throws(TopologyFileError) -> String {
        try HexadecimalFile.load(path: path, digits: digits)
    }
}
