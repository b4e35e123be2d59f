/// The topology lists exactly the existing region files.
enum RegionsRule {
    static func findings(in tree: RepositoryTree) -> [Finding] {
        let listed = listedRegions(tree.file("topology.yaml")?.lines ?? [])
        let present = tree.files(under: "regions").map(\.path)
        return present.filter { !listed.contains($0) }.map {
            Finding($0, "topology.yaml does not list it")
        }
            + listed.filter { !present.contains($0) }.map {
                Finding("topology.yaml", "lists \($0), which does not exist")
            }
    }

    /// The items of the form `- regions/….yaml`.
    private static func listedRegions(_ lines: [Substring]) -> [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard words.count >= 2, words[0] == "-", words[1].hasPrefix("regions/") else {
                return nil
            }
            return String(words[1])
        }
    }
}
