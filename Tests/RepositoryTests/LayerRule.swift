/// A target depends only on targets in lower layers.
enum LayerRule {
    /// Lowest first. A target never depends on its own layer.
    static let layers: [[String]] = [
        systemLibraries,
        ["CivilTime", "Hashing", "Identifiers", "Addresses"],
        ["Money", "Pacing"],
        ["DeltaProtocol"],
        ["Topology", "TransferGenerator"],
        ["Aggregation", "Federation", "RatesCore"],
        ["RegionCore", "Publishing"],
        ["DeltaCodec", "TopologyFile", "Dashboard"] + sharedAdapters,
        ["Simulation", "Recording"],
        adapters,
        ["Rollup", "RegionService", "HeadquartersService", "FuzzSupport"],
        [
            "tributary", "tributary-bench", "bench-refresh", "fuzz-record-decoder",
            "fuzz-delta-codec",
        ],
    ]

    /// Code that tests share. It may depend on everything; only tests may depend on it.
    static let testSupport = ["HTTPTestSupport"]

    static let systemLibraries = ["CRdKafka", "CHiredis", "CCurl", "CZlib", "CZstd", "CJemalloc"]
    /// What adapters stand on themselves.
    static let sharedAdapters = ["Platform", "HTTPListener", "HTTPClient", "Gzip", "Zstd"]
    static let adapters = [
        "KafkaClient", "DeltaClient", "DeltaIngest", "PublicAPI", "RedisStore", "RatesFeed",
    ]

    static func findings(in tree: RepositoryTree) -> [Finding] {
        guard let file = tree.file("Package.swift") else {
            return [Finding("Package.swift", "is missing")]
        }
        let manifest = PackageManifest(file.text)
        return arrows(manifest) + systemLibraryOwners(manifest, tree)
            + undeclaredImports(manifest, tree) + unusedDependencies(manifest, tree)
    }

    private static func layer(of target: String) -> Int? {
        layers.firstIndex { $0.contains(target) }
    }

    private static func arrows(_ manifest: PackageManifest) -> [Finding] {
        var findings: [Finding] = []
        for target in manifest.targets
        where target.kind != .test && !testSupport.contains(target.name) {
            guard let own = layer(of: target.name) else {
                findings.append(Finding("Package.swift", "\(target.name) has no layer"))
                continue
            }
            for dependency in target.dependencies {
                guard let below = layer(of: dependency), below < own else {
                    findings.append(
                        Finding("Package.swift", "\(target.name) must not depend on \(dependency)"))
                    continue
                }
            }
            if PureTargetRule.targets.contains(target.name) {
                let allowed = PureTargetRule.furtherImports[target.name] ?? []
                findings += target.products
                    .filter { !allowed.contains($0) }
                    .map { Finding("Package.swift", "pure \(target.name) uses product \($0)") }
            }
        }
        let declared = Set(manifest.targets.map(\.name))
        findings += layers.joined().filter { !declared.contains($0) }.map {
            Finding("Package.swift", "\($0) has a layer but is not declared")
        }
        return findings
    }

    /// Exactly one target, an adapter, uses each C library.
    private static func systemLibraryOwners(
        _ manifest: PackageManifest, _ tree: RepositoryTree
    ) -> [Finding] {
        systemLibraries.flatMap { library in
            let owners = manifest.targets.filter { $0.dependencies.contains(library) }
                .map(\.name)
            var findings: [Finding] = []
            if owners.count != 1 || !(adapters + sharedAdapters).contains(owners[0]) {
                findings.append(
                    Finding("Package.swift", "\(library) belongs to one adapter, not to \(owners)"))
            }
            for file in tree.swiftFiles where !file.path.hasPrefix("Sources/\(owners.first ?? "")/")
            {
                findings += SwiftCode(file.text).imports.filter { $0.module == library }.map {
                    Finding(file.path, line: $0.line, "imports \(library), which is not its own")
                }
            }
            return findings
        }
    }

    /// A target declares every module of this package that its files import.
    private static func undeclaredImports(
        _ manifest: PackageManifest, _ tree: RepositoryTree
    ) -> [Finding] {
        let names = Set(manifest.targets.map(\.name))
        return manifest.targets.flatMap { target in
            let folder = target.kind == .test ? "Tests/\(target.name)" : "Sources/\(target.name)"
            let known = Set(target.dependencies)
            return tree.files(under: folder).filter(\.isSwift).flatMap { file in
                SwiftCode(file.text).imports
                    .filter { names.contains($0.module) && !known.contains($0.module) }
                    .map { Finding(file.path, line: $0.line, "\($0.module) is not declared") }
            }
        }
    }

    /// A target declares no target that none of its files imports.
    private static func unusedDependencies(
        _ manifest: PackageManifest, _ tree: RepositoryTree
    ) -> [Finding] {
        manifest.targets.flatMap { target -> [Finding] in
            let isUnderTests = target.kind == .test || testSupport.contains(target.name)
            let files = tree.files(under: "\(isUnderTests ? "Tests" : "Sources")/\(target.name)")
                .filter(\.isSwift)
            // A target without files is another rule's concern.
            guard !files.isEmpty else { return [] }
            let used = Set(files.flatMap { SwiftCode($0.text).imports.map(\.module) })
            return target.dependencies.filter { !used.contains($0) }.map {
                Finding("Package.swift", "\(target.name) does not use \($0)")
            }
        }
    }
}
