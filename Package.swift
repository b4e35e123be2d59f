// swift-tools-version: 6.2
import PackageDescription

/// Settings of all our targets: the strictest that the toolchain offers.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Settings of the pure targets, which must also mark each unsafe expression.
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
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "CJemalloc", pkgConfig: "jemalloc", providers: [.apt(["libjemalloc-dev"])]),

        // Values.
        library("CivilTime", settings: pure),
        library("Money", ["Hashing", bigInt], settings: pure),
        library("Pacing", ["CivilTime"], settings: pure),
        library("Hashing", settings: pure),
        library("Identifiers", settings: pure),
        library("Addresses", settings: pure),

        // The region-HQ contract, and the pure state machines on both sides of it.
        library("DeltaProtocol", ["CivilTime", "Money", "Hashing", "Identifiers"], settings: pure),
        // What is deployed.
        library(
            "Topology", ["Money", "Identifiers", "Addresses", "DeltaProtocol"], settings: pure),
        library(
            "Aggregation",
            ["CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol", "Topology"],
            settings: pure),
        library(
            "Federation",
            ["CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol", "Topology"],
            settings: pure),
        library(
            "RegionCore",
            [
                "CivilTime", "Money", "Pacing", "Hashing", "Identifiers", "DeltaProtocol",
                "Aggregation",
            ],
            settings: pure),
        library("RatesCore", ["CivilTime", "Money", "Topology"], settings: pure),
        library("TransferGenerator", ["CivilTime", "Money", "Hashing"], settings: pure),

        // What the public is told, and the pages that tell it.
        library(
            "Publishing",
            [
                "CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol", "Topology",
                "Federation",
            ], settings: pure),
        library(
            "Dashboard",
            ["CivilTime", "Money", "Hashing", "Identifiers", "Topology", "Publishing"],
            settings: pure,
            resources: [.embedInCode("Assets")]),
        library(
            "Simulation",
            [
                "CivilTime", "Money", "Pacing", "Hashing", "Identifiers", "DeltaProtocol",
                "Topology", "Aggregation", "Federation", "RegionCore", "Publishing", "DeltaCodec",
            ], settings: pure),

        // Adapters.
        library(
            "DeltaCodec",
            ["CivilTime", "Money", "Identifiers", "DeltaProtocol", protobuf],
            exclude: ["delta.proto"]),
        library(
            "TopologyFile",
            [
                "CivilTime", "Money", "Identifiers", "Addresses", "Topology",
                .product(name: "Yams", package: "Yams"),
            ]),
        library(
            "Recording",
            [
                "CivilTime", "Money", "Identifiers", "DeltaProtocol", "Aggregation", "Federation",
                "RegionCore", "DeltaCodec",
            ]),
        library("Platform", ["CivilTime"]),
        library("Gzip", ["CZlib"]),
        library("Zstd", ["CZstd"]),
        library("HTTPClient", ["CCurl"]),
        library("KafkaClient", ["CRdKafka", "CJemalloc", "Platform", logging]),
        library(
            "DeltaClient",
            ["Identifiers", "DeltaProtocol", "DeltaCodec", "Platform", "HTTPClient", logging]),
        library(
            "HTTPListener",
            ["Addresses", hummingbird, hummingbirdCore, httpTypes, nioCore, lifecycle, logging]),
        library(
            "DeltaIngest",
            [
                "CivilTime", "Identifiers", "Addresses", "DeltaProtocol", "DeltaCodec",
                "HTTPListener", hummingbird, httpTypes, nioCore, logging,
            ]),
        library(
            "PublicAPI",
            [
                "CivilTime", "Money", "Hashing", "Addresses", "Publishing", "Dashboard", "Gzip",
                "HTTPListener", httpTypes, nioCore, nioPosix, lifecycle, logging,
            ], resources: [.embedInCode("openapi.json")]),
        library(
            "RedisStore",
            [
                "CHiredis", "CivilTime", "Money", "Identifiers", "DeltaProtocol", "Federation",
                "Platform", logging,
            ]),

        library(
            "RatesFeed",
            [
                "CivilTime", "Money", "Pacing", "Addresses", "Topology", "RatesCore",
                "TopologyFile", "Platform", "Gzip", "HTTPClient", lifecycle, logging,
            ]),

        // Services.
        library(
            "Rollup",
            [
                "CivilTime", "Money", "DeltaProtocol", "Topology", "Aggregation", "Platform",
                "Gzip", "Zstd",
            ]),
        library(
            "RegionService",
            [
                "CivilTime", "Pacing", "Identifiers", "DeltaProtocol", "Topology", "Aggregation",
                "RegionCore", "Recording", "Platform", "KafkaClient", "DeltaClient", lifecycle,
                logging,
            ]),
        library(
            "HeadquartersService",
            [
                "CivilTime", "Money", "Pacing", "Identifiers", "Addresses", "DeltaProtocol",
                "Topology", "Federation", "RatesCore", "Publishing", "Recording", "Platform",
                "HTTPListener", "DeltaIngest", "PublicAPI", "RedisStore", "RatesFeed", lifecycle,
                logging,
            ]),

        // The one binary, and what measures and attacks it.
        .executableTarget(
            name: "tributary",
            dependencies: [
                "CivilTime", "Money", "Identifiers", "Addresses", "DeltaProtocol", "Topology",
                "Aggregation", "Federation", "TransferGenerator", "Simulation", "TopologyFile",
                "Recording", "Platform", "KafkaClient", "DeltaClient", "HTTPListener", "RedisStore",
                "Rollup", "RegionService", "HeadquartersService", lifecycle, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "tributary-bench",
            dependencies: [
                "CivilTime", "Money", "Hashing", "Identifiers", "Addresses", "Topology",
                "Aggregation", "RatesCore", "Publishing", "Platform", "KafkaClient", "PublicAPI",
                "RatesFeed", nioCore, nioPosix, lifecycle, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "bench-refresh",
            dependencies: [
                "CivilTime", "Money", "Identifiers", "DeltaProtocol", "Federation", "Publishing",
                "HeadquartersService",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        library("FuzzSupport"),
        .executableTarget(
            name: "fuzz-record-decoder",
            dependencies: ["CivilTime", "Money", "DeltaProtocol", "Aggregation", "FuzzSupport"],
            swiftSettings: strict),
        .executableTarget(
            name: "fuzz-delta-codec", dependencies: ["DeltaProtocol", "DeltaCodec", "FuzzSupport"],
            swiftSettings: strict),

        // What tests of listeners share.
        .target(
            name: "HTTPTestSupport",
            dependencies: ["Addresses", "Platform", lifecycle, logging],
            path: "Tests/HTTPTestSupport", swiftSettings: strict),

        test("CivilTime", ["Hashing"]),
        test(
            "Money",
            ["Hashing", bigInt, .product(name: "Subprocess", package: "swift-subprocess")]),
        test(
            "Topology",
            ["Money", "Hashing", "Identifiers", "Addresses", "DeltaProtocol", "TopologyFile"]),
        test("Addresses"),
        test("Hashing"),
        test(
            "Publishing",
            [
                "CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol", "Topology",
                "Federation",
            ]),
        test("DeltaProtocol", ["CivilTime", "Money", "Identifiers", "Topology"]),
        test(
            "DeltaCodec",
            [
                "CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol", "DeltaClient",
                "HTTPTestSupport",
            ]),
        test("Aggregation", ["CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol"]),
        test("Federation", ["CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol"]),
        test("RegionCore", ["CivilTime", "Money", "Identifiers", "DeltaProtocol", "Aggregation"]),
        test(
            "Recording",
            [
                "CivilTime", "Money", "Pacing", "Hashing", "Identifiers", "DeltaProtocol",
                "Aggregation", "Federation", "RegionCore",
            ]),
        test("Simulation"),
        test("TransferGenerator", ["CivilTime", "Money"]),
        test(
            "Rollup",
            [
                "CivilTime", "Aggregation", "TransferGenerator",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        test("Platform"),
        test(
            "KafkaClient",
            [
                "Platform", "HTTPTestSupport", logging,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        test(
            "DeltaClient",
            [
                "CivilTime", "Money", "Identifiers", "DeltaProtocol", "DeltaCodec",
                "HTTPTestSupport", logging,
            ]),
        test(
            "DeltaIngest",
            [
                "CivilTime", "Money", "Identifiers", "Addresses", "DeltaProtocol", "DeltaCodec",
                "DeltaClient", "HTTPListener", "HTTPTestSupport", logging,
            ]),
        test(
            "PublicAPI",
            [
                "CivilTime", "Money", "Hashing", "Identifiers", "Publishing", "Dashboard",
                "HTTPTestSupport", lifecycle, logging,
            ]),
        test("Dashboard", ["CivilTime", "Money", "Hashing", "Identifiers", "Publishing"]),
        test(
            "RedisStore",
            [
                "CivilTime", "Money", "Hashing", "Identifiers", "DeltaProtocol", "Federation",
                logging,
            ]),
        test(
            "RatesFeed",
            [
                "CivilTime", "Money", "Hashing", "Identifiers", "Addresses", "Topology",
                "RatesCore", "Gzip", "HTTPClient", "HTTPTestSupport", lifecycle, logging,
            ]),
        test(
            "RegionService",
            [
                "CivilTime", "Money", "Identifiers", "DeltaProtocol", "Topology", "Aggregation",
                "RegionCore", "Platform", "KafkaClient", "DeltaClient", "DeltaIngest",
                "HTTPTestSupport", lifecycle, logging,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        test(
            "HeadquartersService",
            [
                "CivilTime", "Money", "Identifiers", "Addresses", "DeltaProtocol", "Topology",
                "Federation", "Publishing", "DeltaClient", "RedisStore", "HTTPTestSupport", bigInt,
                lifecycle, logging,
            ]),
        .testTarget(
            name: "DemoTests",
            dependencies: [.product(name: "Subprocess", package: "swift-subprocess")],
            swiftSettings: strict),
        .testTarget(name: "RepositoryTests", swiftSettings: strict),
    ]
)
