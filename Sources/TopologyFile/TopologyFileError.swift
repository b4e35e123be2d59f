/// All problems of the files that were read, in the order of files and lines.
///
/// The description has a line for each problem. It is safe to print, because it repeats no value.
package struct TopologyFileError: Error, Hashable, CustomStringConvertible {
    /// At least one.
    package let problems: [FileProblem]

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}
