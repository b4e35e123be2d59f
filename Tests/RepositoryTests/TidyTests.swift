import Testing

/// Checks the repository against its own rules.
@Suite struct TidyTests {
    private let tree: RepositoryTree

    init() throws {
        tree = try RepositoryTree.ofThisPackage()
    }

    private func expectNone(
        _ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let listed = findings.map(\.description).joined(separator: "\n")
        #expect(findings.isEmpty, "\n\(listed)", sourceLocation: sourceLocation)
    }

    @Test func `the tree is this whole repository`() {
        #expect(tree.contains("Package.swift"))
        #expect(tree.contains("Tests/RepositoryTests/TidyTests.swift"))
        #expect(tree.files(under: "Sources").count > 20)
    }

    @Test func `lines and files are short`() { expectNone(LengthRule.findings(in: tree)) }

    @Test func `pure targets stay pure`() { expectNone(PureTargetRule.findings(in: tree)) }

    @Test func `targets depend only on lower layers`() { expectNone(LayerRule.findings(in: tree)) }

    @Test func `a type's name belongs to one module`() {
        expectNone(TypeNameRule.findings(in: tree))
    }

    @Test func `the top level contains only what belongs there`() {
        expectNone(TopLevelRule.findings(in: tree))
    }

    @Test func `there are no leftovers, and no input reaches a trap`() {
        expectNone(WordingRule.findings(in: tree))
    }

    @Test func `the README's commands and links exist`() {
        expectNone(ReadmeRule.findings(in: tree))
    }

    @Test func `the topology lists every region file`() {
        expectNone(RegionsRule.findings(in: tree))
    }
}
