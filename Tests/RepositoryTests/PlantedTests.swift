import Testing

/// Each rule finds exactly the violations planted for it.
@Suite struct PlantedTests {
    @Test func `a long line and a long file are found`() {
        let tree = RepositoryTree([
            "Sources/Money/Wide.swift": "let fine = 1\nlet wide = \(spaces(90))1\n",
            "Sources/Money/Long.swift": String(repeating: "\n", count: 451),
            "Sources/Money/Fits.swift": String(repeating: "\n", count: 450),
            "Sources/DeltaCodec/delta.pb.swift": "// \(spaces(200))\n",
            "deploy/wide.sh": "# \(spaces(99))\n",
        ])
        #expect(
            places(LengthRule.findings(in: tree)) == [
                "Sources/Money/Long.swift:0", "Sources/Money/Wide.swift:2", "deploy/wide.sh:1",
            ])
    }

    @Test(arguments: [
        "import Foundation", "package import Glibc", "import struct FoundationEssentials.Date",
        "@preconcurrency import Dispatch", "import CCurl", "import DeltaCodec",
        "let now = ContinuousClock.now", "let now = Date()", "let all = Int.random(in: 0..<9)",
        "var chance = SystemRandomNumberGenerator()", "list.shuffle()", "func wait() async {}",
        "let text = \"\\(Date())\"", "let share = Double(sum)", "x.hash(into: &Hasher())",
        "let text = #\"\\\"# + getenv()", "let a = \"// \"; print(a)",
        "@_silgen_name(\"time\") func now(_: Int) -> Int", "@_cdecl(\"entry\") func entry() {}",
        "@_extern(c, \"time\") func now(_: Int) -> Int", "@cdecl(entry) func entry() {}",
    ])
    func `an impure line in a pure target is found`(line: String) {
        let tree = RepositoryTree(["Sources/Money/Bad.swift": "import BigInt\n\(line)\n"])
        #expect(places(PureTargetRule.findings(in: tree)).contains("Sources/Money/Bad.swift:2"))
    }

    @Test(arguments: [
        "import CivilTime", "// import Foundation", "/* Date() /* nested */ await */",
        "let text = \"Date()\"", "let day = CivilDate(1)",
        "let x = Int.random(in: 0..<9, using: &g)",
        "let raw = #\"print(\"await\")\"#", "let asynchronous = 1", "let c = \"\\\"Task\"",
        "let words = \"\"\"\n  await \"Task\" Date()\n  \"\"\"",
    ])
    func `a pure line in a pure target passes`(line: String) {
        let tree = RepositoryTree(["Sources/Money/Good.swift": line + "\n"])
        #expect(PureTargetRule.findings(in: tree) == [])
    }

    @Test func `a type name in two modules is found`() {
        let tree = RepositoryTree([
            "Sources/Money/A.swift": "package struct Rate {\n    struct Inner {}\n}\n",
            "Sources/Money/B.swift": "extension Rate {}\nprivate struct Own {}\n",
            "Sources/RatesCore/C.swift": "@frozen public final class Rate {}\nstruct Inner {}\n",
            "Sources/Rollup/D.swift": "private enum Own {}\n// struct Rate\n",
        ])
        #expect(places(TypeNameRule.findings(in: tree)) == ["Sources/RatesCore/C.swift:1"])
    }

    @Test func `an exception for one target does not apply to all`() {
        let tree = RepositoryTree([
            "Sources/Simulation/World.swift": "import DeltaCodec\nlet share: Double = 0\n",
            "Sources/KafkaClient/Anything.swift": "import Foundation\nlet now = Date()\n",
            "Sources/Money/Sum.swift": "import BigInt\n",
        ])
        #expect(PureTargetRule.findings(in: tree) == [])
        let others = PureTargetRule.targets.filter { $0 != "Money" }
        let greedy = others.map { ("Sources/\($0)/A.swift", "import BigInt\n") }
        #expect(
            places(
                PureTargetRule.findings(
                    in: RepositoryTree(Dictionary(uniqueKeysWithValues: greedy))))
                == others.map { "Sources/\($0)/A.swift:1" }.sorted())
    }

    @Test func `names that do not belong at the top level are found`() {
        let tree = RepositoryTree([
            "Package.swift": "", "Sources/Money/A.swift": "", ".gitignore": "",
            "docs/guide.md": "", "run.sh": "",
        ])
        #expect(places(TopLevelRule.findings(in: tree)) == ["docs:0", "run.sh:0"])
    }

    @Test func `leftover notes, machine paths and traps are found`() {
        let notes = WordingRule.leftovers.map { "// \($0): later\n" }.joined()
        let paths = WordingRule.machinePaths.map { "see \($0)x\n" }.joined()
        let traps = WordingRule.trapsInSources.map { "\($0)\n" }.joined()
        let tree = RepositoryTree([
            "Sources/Money/Notes.swift": notes, "README.md": paths,
            "Sources/Money/Traps.swift": traps, "Tests/MoneyTests/A.swift": "@testable import A\n",
            "Sources/Money/Fine.swift":
                "// try! is not used: METHODOLOGY, hackney\nlet retry = 1\n",
        ])
        #expect(
            places(WordingRule.findings(in: tree))
                == (1...paths.filter { $0 == "\n" }.count).map { "README.md:\($0)" }
                + (1...3).map { "Sources/Money/Notes.swift:\($0)" }
                + (1...4).map { "Sources/Money/Traps.swift:\($0)" }
                + ["Tests/MoneyTests/A.swift:1"])
    }

    @Test func `README commands without a target and dead links are found`() {
        let tree = RepositoryTree([
            "README.md": """
            Run `make demo X="y z"`, not `make haste`. We make money count.
            ```sh
            make bench SECONDS=60
            make nothing   # make sure
            ```
            See [the licence](LICENSE), [a page](deploy/runbooks/gone.md) and
            [Swift](https://www.swift.org).

            """,
            "Makefile": "nothing := 1\ndemo bench: build\nbuild:\n\tswift build\n",
            "LICENSE": "",
        ])
        #expect(
            places(ReadmeRule.findings(in: tree))
                == ["README.md:1", "README.md:4", "README.md:6"])
        let long = RepositoryTree([
            "README.md": String(repeating: "\n", count: 151), "Makefile": "",
        ])
        #expect(places(ReadmeRule.findings(in: long)) == ["README.md:0"])
    }

    @Test func `a region file that no one reads, and one that is missing, are found`() {
        let tree = RepositoryTree([
            "topology.yaml": "regions:\n  - regions/eu.yaml # first\n  - regions/us.yaml\n",
            "regions/eu.yaml": "id: eu", "regions/ap.yaml": "id: ap",
        ])
        #expect(
            places(RegionsRule.findings(in: tree)) == ["regions/ap.yaml:0", "topology.yaml:0"])
    }

    private func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

    /// `path:line` of each finding, sorted, without its text for people.
    private func places(_ findings: [Finding]) -> [String] {
        findings.map { "\($0.path):\($0.line)" }.sorted()
    }
}
