/// One problem in the repository, with its place.
struct Finding: Equatable, CustomStringConvertible {
    /// Path from the root of the repository.
    let path: String

    /// The line, counted from 1; 0 for the whole file.
    let line: Int

    /// The problem in words.
    let problem: String

    init(_ path: String, line: Int = 0, _ problem: String) {
        self.path = path
        self.line = line
        self.problem = problem
    }

    var description: String {
        line == 0 ? "\(path): \(problem)" : "\(path):\(line): \(problem)"
    }
}
