#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A source of lines.
package enum RollupInput: Sendable, Hashable {
    case file(path: String)
    case standardInput

    /// The name in messages.
    package var name: String {
        switch self {
        case .file(let path): path
        case .standardInput: "standard input"
        }
    }

    /// The size of all inputs, or nil unless each is a plain file. Throws if a file is missing.
    static func totalBytes(of inputs: [RollupInput]) throws(RollupError) -> Int? {
        var total: Int? = 0
        for input in inputs {
            guard case .file(let path) = input else {
                total = nil
                continue
            }
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw RollupError(input: input, errorNumber: errno)
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG: total = total.map { $0 + Int(status.st_size) }
            case S_IFDIR: throw RollupError(input: input, errorNumber: EISDIR)
            default: total = nil
            }
        }
        return total
    }
}

/// An input that could not be read.
package struct RollupError: Error, Sendable, CustomStringConvertible {
    package var input: RollupInput
    /// A description of the problem.
    package var detail: String

    init(input: RollupInput, detail: String) {
        self.input = input
        self.detail = detail
    }

    /// - Parameter errorNumber: a value of `errno`.
    init(input: RollupInput, errorNumber: Int32) {
        self.init(input: input, detail: String(cString: strerror(errorNumber)))
    }

    package var description: String { "\(input.name): \(detail)" }
}
