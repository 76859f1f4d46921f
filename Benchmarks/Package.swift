// swift-tools-version: 6.2

import PackageDescription

// Micro-benchmarks; `make bench` builds and runs them, and then measures a real server with scripts/measure.py.
//
// A package of its own, so that the main one does not depend on the harness. The modules are links to the main package's
// folders: `package` access reaches no further than one package.

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let collections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")

let package = Package(
    name: "martlet-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Martlet",
            dependencies: [
                "CAllocations", "MartletAPI", "MartletChat", "MartletJSON", "MartletProtocol", "MartletStreams",
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/Martlet",
            swiftSettings: settings,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
        .target(name: "CAllocations"),
        .target(name: "MartletText", swiftSettings: settings),
        .target(
            name: "MartletAPI",
            dependencies: [
                "MartletGrammar", "MartletJSON", "MartletProtocol", "MartletSchema", "MartletStreams", "MartletText",
                collections,
            ],
            swiftSettings: settings),
        .target(
            name: "MartletSchema", dependencies: ["MartletGrammar", "MartletJSON", "MartletText", collections],
            exclude: ["design.md"], swiftSettings: settings),
        .target(
            name: "MartletGrammar", dependencies: ["MartletText"], exclude: ["design.md"], swiftSettings: settings),
        .target(
            name: "MartletChat",
            dependencies: [
                "MartletGrammar", "MartletJSON", "MartletProtocol", "MartletSchema", "MartletText", collections,
            ],
            swiftSettings: settings),
        .target(
            name: "MartletStreams",
            dependencies: [
                "MartletFiles", "MartletJSON", "MartletObservability", "MartletProtocol", "MartletText",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(name: "MartletFiles", swiftSettings: settings),
        .target(name: "MartletObservability", dependencies: ["MartletProtocol"], swiftSettings: settings),
        .target(name: "MartletProtocol", dependencies: ["MartletGrammar"], swiftSettings: settings),
        .target(name: "MartletJSON", dependencies: ["MartletText", collections], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
