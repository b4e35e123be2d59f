import Glibc

/// Why a state file could not be read or written.
struct StateFileError: Error, CustomStringConvertible {
    /// What was being done, such as `writing`.
    var doing: String
    /// What the system said; 0 where it said nothing.
    var number: Int32

    /// With the system's present `errno`.
    static func system(_ doing: String) -> StateFileError {
        StateFileError(doing: doing, number: errno)
    }

    var description: String {
        number == 0 ? doing : "\(doing): \(String(cString: strerror(number)))"
    }
}
