import Glibc

/// Why a state file could not be read or written.
struct StateFileError: Error, CustomStringConvertible {
    /// The failed operation, such as `writing`.
    var doing: String
    /// The `errno`; 0 if the failure is not the system's.
    var number: Int32

    /// Takes the current `errno`.
    static func system(_ doing: String) -> StateFileError {
        StateFileError(doing: doing, number: errno)
    }

    var description: String {
        number == 0 ? doing : "\(doing): \(String(cString: strerror(number)))"
    }
}
