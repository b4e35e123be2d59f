/// One thing wrong with the repository, named so that a person can go and look.
struct Finding: Equatable, CustomStringConvertible {
    /// Path from the root of the repository.
    let path: String

    /// The line, counted from 1; 0 when the file as a whole is meant.
    let line: Int

    /// What was expected there.
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
