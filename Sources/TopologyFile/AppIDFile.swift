/// Reads the file with the app id that a provider of exchange rates asks for.
package enum AppIDFile {
    /// How many hexadecimal digits an app id of Open Exchange Rates has.
    package static let digits = 32

    /// The app id at `path`: the file holds its 32 hexadecimal digits and at most a line break. An
    /// error repeats nothing of the file.
    package static func load(path: String) throws(TopologyFileError) -> String {
        try HexadecimalFile.load(path: path, digits: digits)
    }
}
