/// Reads the file with the app id that a provider of exchange rates requires.
package enum AppIDFile {
    /// The number of hexadecimal digits in an app id of Open Exchange Rates.
    package static let digits = 32

    /// The app id at `path`. The file contains its 32 hexadecimal digits and optionally a line
    /// break. Errors repeat nothing of the file.
    package static func load(path: String) throws(TopologyFileError) -> String {
        try HexadecimalFile.load(path: path, digits: digits)
    }
}
