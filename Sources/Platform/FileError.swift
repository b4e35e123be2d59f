internal import Glibc

/// Why a file could not be read or written.
package struct FileError: Error, CustomStringConvertible {
    /// The failed operation, such as `writing`.
    package var doing: String
    /// The `errno`; 0 if the failure is not the system's.
    package var number: Int32

    package init(doing: String, number: Int32) {
        self.doing = doing
        self.number = number
    }

    /// Takes the current `errno`.
    package static func system(_ doing: String) -> FileError {
        FileError(doing: doing, number: errno)
    }

    package var description: String {
        number == 0 ? doing : "\(doing): \(String(cString: strerror(number)))"
    }
}
