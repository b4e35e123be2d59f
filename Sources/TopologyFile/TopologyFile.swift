import Identifiers
import Money
package import Topology

/// Reads a topology file and the region files it lists, strictly: unknown, repeated and missing
/// keys, wrong types and impossible values are all reported at once.
///
/// Paths in either file are relative to the topology file's folder; region files lie below it.
///
/// Defaults: no `unconverted`, `base_currencies` every published currency that is not unconverted,
/// `default_base_currency` the first of them, `generation` 1, `listeners` and `thresholds` those of
/// their types, no `fx`. `currencies`, `hq`, `redis.address`, `id_key_file` and `regions` are
/// required.
package enum TopologyFile {
    /// The file that commands read by default.
    package static let defaultPath = "topology.yaml"

    /// The topology at `path`, valid by `Topology.problems` and `Region.problems`.
    /// - Parameter warn: called with each of `Topology.warnings` and its line in the file.
    package static func load(
        path: String, warn: (FileProblem) -> Void = { _ in }
    ) throws(TopologyFileError) -> Topology {
        let document = Document(file: path)
        var problems: [FileProblem] = []
        var topology: Topology?
        if let text = read(path, noting: document, line: 1, key: "file"),
            let fields = document.root(of: text)
        {
            var (read, paths) = TopologyReader(document: document).read(fields)
            read.regions = loadRegions(paths, of: document, problems: &problems)
            noteInvalid(
                read.problems(), in: document,
                dependents: [
                    "currencies": ["unconverted", "base_currencies", "default_base_currency"],
                    "unconverted": ["base_currencies", "default_base_currency"],
                    "base_currencies": ["default_base_currency"],
                ])
            topology = read
        }
        problems = document.sortedProblems + problems
        guard problems.isEmpty, let topology else {
            throw TopologyFileError(problems: problems)
        }
        for warning in topology.warnings() {
            warn(
                FileProblem(
                    file: path, line: document.line(of: warning.key), key: warning.key,
                    expected: warning.expected))
        }
        return topology
    }

    /// Reads a file that a key of `document` names.
    private static func read(
        _ path: String, noting document: Document, line: Int, key: String
    ) -> String? {
        do {
            return try TextFile.read(path)
        } catch {
            document.report(line: line, key: key, expected: error.expected)
            return nil
        }
    }

    /// The regions at `paths`, with a placeholder for each that cannot be read at all. Adds
    /// problems of a region file to `problems`, and problems with its path to `document`.
    private static func loadRegions(
        _ paths: [TopologyReader.RegionPath], of document: Document,
        problems: inout [FileProblem]
    ) -> [Region] {
        var regions: [Region] = []
        for (key, nested) in paths {
            let path = TextFile.resolve(nested, beside: document.file)
            let regionDocument = Document(file: path)
            let file = RegionFile(document: regionDocument) {
                TextFile.resolve($0, beside: document.file)
            }
            if let text = read(path, noting: document, line: document.line(of: key), key: key),
                let region = file.read(text)
            {
                noteInvalid(
                    region.problems(), in: regionDocument, dependents: ["topic": ["dlq_topic"]])
                regions.append(region)
            } else {
                regions.append(
                    Region(id: RegionID(unchecked: key), kafka: [:], logs: []))
            }
            problems += regionDocument.sortedProblems
        }
        return regions
    }

    /// Adds `invalid` to the document's problems, except for keys that could not be read and keys
    /// that depend on them, because placeholders are not mistakes.
    private static func noteInvalid(
        _ invalid: [TopologyProblem], in document: Document, dependents: [String: [String]]
    ) {
        func top(_ key: String) -> String { String(key.prefix { $0 != "." && $0 != "[" }) }
        let unreadable = Set(document.problems.map { top($0.key) })
        let spared = unreadable.union(unreadable.flatMap { dependents[$0] ?? [] })
        for problem in invalid where !spared.contains(top(problem.key)) {
            document.report(key: problem.key, expected: problem.expected)
        }
    }
}
