import Testing

/// The layer rule reads a manifest correctly and finds each kind of wrong dependency.
@Suite struct LayerRuleTests {
    private static let manifest = """
        let bigInt: Target.Dependency = .product(name: "BigInt", package: "BigInt")
        let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
        func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
            .target(name: name, dependencies: dependencies, swiftSettings: settings)
        }
        let package = Package(
            name: "tributary",
            products: [.executable(name: "tributary", targets: ["tributary"])],
            dependencies: [.package(url: "https://example.org/library", from: "1.0.0")],
            targets: [
                .systemLibrary(
                    name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl-dev"])]),
                library("CivilTime", settings: pure),  // has ["nothing"]
                library("Money", [bigInt], settings: pure),
                library(
                    "DeltaClient",
                    ["CCurl", "Money", logging, .product(name: "Yams", package: "Yams")],
                    exclude: ["notes.txt"]),
                .executableTarget(
                    name: "tributary", dependencies: ["DeltaClient"], swiftSettings: strict),
                test("Money", ["CivilTime", logging]),
                .testTarget(name: "RepositoryTests", swiftSettings: strict),
            ]
        )
        """

    @Test func `the manifest's targets are read with their dependencies`() {
        #expect(
            PackageManifest(Self.manifest).targets == [
                .init(name: "CCurl", kind: .systemLibrary, dependencies: [], products: []),
                .init(name: "CivilTime", kind: .library, dependencies: [], products: []),
                .init(name: "Money", kind: .library, dependencies: [], products: ["BigInt"]),
                .init(
                    name: "DeltaClient", kind: .library, dependencies: ["CCurl", "Money"],
                    products: ["Logging", "Yams"]),
                .init(
                    name: "tributary", kind: .executable, dependencies: ["DeltaClient"],
                    products: []),
                .init(
                    name: "MoneyTests", kind: .test, dependencies: ["Money", "CivilTime"],
                    products: ["Logging"]),
                .init(name: "RepositoryTests", kind: .test, dependencies: [], products: []),
            ])
    }

    @Test(arguments: [
        ("library(\"Money\", [bigInt], ", "library(\"Money\", [\"DeltaClient\"], "),
        ("library(\"Money\", [bigInt], ", "library(\"Money\", [\"Pacing\"], "),
        ("library(\"Money\", [bigInt], ", "library(\"Money\", [logging], "),
        ("library(\"CivilTime\"", "library(\"CivilSpace\""),
        ("dependencies: [\"DeltaClient\"]", "dependencies: [\"DeltaClient\", \"CCurl\"]"),
        ("[\"CCurl\", \"Money\", ", "[\"Money\", "),
    ])
    func `a wrong dependency in the manifest is found`(right: String, wrong: String) throws {
        let before = findings(Self.manifest)
        let changed = Self.manifest.replacing(right, with: wrong)
        try #require(changed != Self.manifest)
        #expect(findings(changed).contains { !before.contains($0) })
    }

    @Test(arguments: [
        ("Sources/Money/A.swift", "import CivilTime"),
        ("Sources/tributary/A.swift", "internal import CCurl"),
        ("Tests/MoneyTests/A.swift", "import DeltaClient"),
    ])
    func `an import that the manifest does not declare is found`(path: String, line: String) {
        let found = findings(Self.manifest, [path: "\n" + line]).filter { $0.path == path }
        #expect(found.map(\.line).first == 2)
    }

    @Test func `declared imports pass`() {
        let found = findings(
            Self.manifest,
            [
                "Sources/DeltaClient/A.swift": "import CCurl\nimport Money\nimport Logging",
                "Tests/MoneyTests/A.swift": "import CivilTime\nimport Money\nimport Testing",
            ])
        #expect(found.filter { $0.path != "Package.swift" } == [])
    }

    @Test func `a dependency that no file imports is found`() {
        let sources = ["Sources/DeltaClient/A.swift": "import CCurl\nimport Logging"]
        let found = findings(Self.manifest, sources).map(\.description)
        #expect(found.contains { $0.hasSuffix("DeltaClient does not use Money") })
        #expect(!found.contains { $0.hasSuffix("DeltaClient does not use CCurl") })
    }

    private func findings(
        _ manifest: String, _ sources: [String: String] = [:]
    ) -> [Finding] {
        LayerRule.findings(
            in: RepositoryTree(sources.merging(["Package.swift": manifest]) { old, _ in old }))
    }
}
