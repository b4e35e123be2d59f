/// The top level, which newcomers see first, has few names, each with one purpose.
enum TopLevelRule {
    static let allowed = [
        "Package.swift", "Sources", "Tests", "regions", "topology.yaml", "deploy", "README.md",
        "Makefile", "LICENSE",
    ]

    static func findings(in tree: RepositoryTree) -> [Finding] {
        tree.topLevel.filter { !allowed.contains($0) && !$0.hasPrefix(".") }.map {
            Finding($0, "does not belong at the top level")
        }
    }
}
