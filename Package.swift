// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target of ours: the strictest the toolchain offers.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Settings of the pure targets: besides, each unsafe expression is marked where it stands.
let pure: [SwiftSetting] = strict + [.strictMemorySafety()]

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict,
    exclude: [String] = [], resources: [Resource]? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources,
        swiftSettings: settings)
}

func test(
    _ subject: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .testTarget(
        name: "\(subject)Tests", dependencies: [.byName(name: subject)] + dependencies,
        resources: resources, swiftSettings: strict)
}

let bigInt: Target.Dependency = .product(name: "BigInt", package: "BigInt")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(
    name: "HummingbirdCore", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "tributary",
    platforms: [.macOS(.v26)],
    products: [.executable(name: "tributary", targets: ["tributary"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/attaswift/BigInt", from: "6.0.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // System libraries. Each is imported by exactly one adapter.
        .systemLibrary(
            name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(
            name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CJemalloc", pkgConfig: "jemalloc", providers: [.apt(["libjemalloc-dev"])]),

        // Values.
        library("CivilTime", settings: pure),
        library("Money", [bigInt], settings: pure),
        library("Pacing", ["CivilTime"], settings: pure),
        library("Topology", ["Money"], settings: pure),

        // The region-HQ contract, and the pure state machines on both sides of it.
        library("DeltaProtocol", ["Money", "CivilTime", "Topology"], settings: pure),
        library(
            "Aggregation", ["Money", "CivilTime", "Topology", "DeltaProtocol"], settings: pure),
        library("Federation", ["Money", "CivilTime", "Topology", "DeltaProtocol"], settings: pure),
        library(
            "RegionCore",
            ["Money", "CivilTime", "Pacing", "Topology", "DeltaProtocol", "Aggregation"],
            settings: pure),
        library("RatesCore", ["Money", "CivilTime", "Topology"], settings: pure),
        library("TransferGenerator", ["Money", "CivilTime"], settings: pure),

        // What the public is told, and the pages that tell it.
        library("Reporting", ["Money", "CivilTime", "Topology"], settings: pure),
        library(
            "Dashboard", ["Money", "CivilTime", "Topology", "Reporting"], settings: pure,
            resources: [.embedInCode("Assets")]),
        library(
            "Simulation",
            [
                "Money", "CivilTime", "Pacing", "Topology", "DeltaProtocol", "Aggregation",
                "Federation", "RegionCore", "DeltaCodec",
            ], settings: pure),

        // Adapters.
        library(
            "DeltaCodec", ["Money", "CivilTime", "Topology", "DeltaProtocol", protobuf],
            exclude: ["delta.proto"]),
        library(
            "TopologyFile",
            ["Topology", "Money", "CivilTime", .product(name: "Yams", package: "Yams")]),
        library(
            "Recording",
            [
                "Money", "CivilTime", "Topology", "DeltaProtocol", "Aggregation", "Federation",
                "RegionCore", "DeltaCodec",
            ]),
        library("WorkerThread"),
        library("Gzip", ["CZlib"]),
        library("LargePages", ["Aggregation"]),
        library("HTTPClient", ["CCurl"]),
        library("KafkaClient", ["CRdKafka", "CJemalloc", "WorkerThread", logging]),
        library(
            "DeltaClient",
            ["HTTPClient", "WorkerThread", "Topology", "DeltaProtocol", "DeltaCodec", logging]),
        library(
            "HTTPListener",
            ["Topology", hummingbird, hummingbirdCore, httpTypes, nioCore, lifecycle, logging]),
        library(
            "DeltaIngest",
            [
                "Topology", "CivilTime", "DeltaProtocol", "DeltaCodec", "HTTPListener",
                hummingbird, httpTypes, nioCore, logging,
            ]),
        library(
            "PublicAPI",
            [
                "Gzip", "Money", "CivilTime", "Topology", "Reporting", "Dashboard",
                "HTTPListener", httpTypes, nioCore, nioPosix, lifecycle, logging,
            ], resources: [.embedInCode("openapi.json")]),
        library(
            "RedisStore",
            [
                "CHiredis", "WorkerThread", "Money", "CivilTime", "Topology", "DeltaProtocol",
                "Federation", logging,
            ]),

        library(
            "RatesFeed",
            [
                "RatesCore", "HTTPClient", "Gzip", "Pacing", "WorkerThread", "Money", "CivilTime",
                "Topology", "TopologyFile", lifecycle, logging,
            ]),

        // Services.
        library(
            "Rollup",
            [
                "Money", "CivilTime", "Topology", "DeltaProtocol", "Aggregation", "LargePages",
                "Gzip",
            ]),
        library(
            "RegionService",
            [
                "CivilTime", "Pacing", "Topology", "DeltaProtocol", "Aggregation", "RegionCore",
                "Recording", "KafkaClient", "DeltaClient", "WorkerThread", "LargePages", lifecycle,
                logging,
            ]),
        library(
            "HeadquartersService",
            [
                "Money", "CivilTime", "Pacing", "Topology", "DeltaProtocol", "Federation",
                "Recording", "RatesCore", "RatesFeed", "RedisStore", "HTTPListener", "DeltaIngest",
                "Reporting",
                "PublicAPI", "WorkerThread", lifecycle, logging,
            ]),

        // The one binary, and what measures and attacks it.
        .executableTarget(
            name: "tributary",
            dependencies: [
                "Money", "CivilTime", "Topology", "TopologyFile", "TransferGenerator", "Rollup",
                "Simulation", "Recording", "KafkaClient", "RegionService", "HeadquartersService",
                "HTTPListener", "RedisStore", "Aggregation", "DeltaProtocol", "DeltaClient",
                "Federation", "WorkerThread", lifecycle, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "tributary-bench",
            dependencies: [
                "Aggregation", "CivilTime", "DeltaProtocol", "Topology", "Money", "KafkaClient",
                "LargePages", "WorkerThread", "Reporting", "PublicAPI", "RatesCore", "RatesFeed",
                nioCore, nioPosix, lifecycle, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "bench-refresh",
            dependencies: [
                "CivilTime", "DeltaProtocol", "Federation", "HeadquartersService", "Money",
                "Reporting", "Topology",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "fuzz-record-decoder",
            dependencies: ["Aggregation", "DeltaProtocol", "Money", "CivilTime"],
            swiftSettings: strict),
        .executableTarget(
            name: "fuzz-delta-codec", dependencies: ["DeltaCodec", "DeltaProtocol"],
            swiftSettings: strict),

        // What tests of listeners share.
        .target(
            name: "HTTPTestSupport",
            dependencies: ["HTTPListener", "Topology", "WorkerThread", lifecycle, logging],
            path: "Tests/HTTPTestSupport", swiftSettings: strict),

        test("CivilTime"),
        test("Money", [bigInt, .product(name: "Subprocess", package: "swift-subprocess")]),
        test("Topology", ["TopologyFile", "Money"]),
        test("DeltaProtocol", ["Money", "CivilTime", "Topology"]),
        test(
            "DeltaCodec",
            [
                "DeltaProtocol", "Money", "CivilTime", "Topology", "DeltaClient",
                "HTTPTestSupport",
            ]),
        test("Aggregation", ["Money", "CivilTime", "Topology", "DeltaProtocol"]),
        test("Federation", ["Money", "CivilTime", "Topology", "DeltaProtocol"]),
        test("RegionCore", ["Aggregation", "CivilTime", "DeltaProtocol", "Money", "Topology"]),
        test(
            "Recording",
            [
                "Aggregation", "CivilTime", "DeltaProtocol", "Federation", "Money", "Pacing",
                "RegionCore", "Topology",
            ]),
        test("Simulation", ["Money", "CivilTime", "DeltaProtocol", "Aggregation", "Federation"]),
        test("TransferGenerator", ["Money", "CivilTime"]),
        test(
            "Rollup",
            [
                "TransferGenerator", "Aggregation", "Money", "CivilTime",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        test("WorkerThread"),
        test(
            "KafkaClient",
            [
                "WorkerThread", "HTTPTestSupport", logging,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        test(
            "DeltaClient",
            [
                "Topology", "CivilTime", "Money", "DeltaProtocol", "DeltaCodec", "HTTPTestSupport",
                logging,
            ]),
        test(
            "DeltaIngest",
            [
                "Topology", "CivilTime", "Money", "DeltaProtocol", "DeltaCodec", "DeltaClient",
                "HTTPListener", "HTTPTestSupport", logging,
            ]),
        test(
            "PublicAPI",
            [
                "Money", "CivilTime", "Topology", "Reporting", "Dashboard", "HTTPTestSupport",
                lifecycle, logging,
            ]),
        test("Dashboard", ["Money", "CivilTime", "Topology", "Reporting"]),
        test(
            "RedisStore",
            ["Federation", "DeltaProtocol", "Money", "CivilTime", "Topology", logging]),
        test(
            "RatesFeed",
            [
                "RatesCore", "Money", "CivilTime", "Topology", "HTTPClient", "Gzip",
                "HTTPTestSupport", lifecycle, logging,
            ]),
        test(
            "RegionService",
            [
                "Topology", "DeltaProtocol", "Money", "CivilTime", "Aggregation", "KafkaClient",
                "DeltaClient", "DeltaIngest", "RegionCore", "WorkerThread", "HTTPTestSupport",
                lifecycle, logging, .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        test(
            "HeadquartersService",
            [
                "Topology", "DeltaProtocol", "Federation", "Money", "CivilTime", "DeltaClient",
                "RedisStore", "PublicAPI", "Reporting", "HTTPTestSupport", bigInt, lifecycle,
                logging,
            ]),
        .testTarget(
            name: "DemoTests",
            dependencies: [.product(name: "Subprocess", package: "swift-subprocess")],
            swiftSettings: strict),
        .testTarget(name: "RepositoryTests", swiftSettings: strict),
    ]
)
