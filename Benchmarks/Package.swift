// swift-tools-version: 6.2

import PackageDescription

// Micro-benchmarks; `make bench` builds and runs them, and then measures a real server with scripts/measure.py.
//
// The package depends on the root package by path, so that the root package does not depend on the harness. `package`
// declarations of the root package are visible, because this target carries the root package's name: SwiftPM derives
// that name from the folder.

let rootFolder = Context.packageDirectory.split(separator: "/").dropLast().last ?? ""
let rootName = String(
    rootFolder.lowercased().enumerated().map { index, character in
        character.isLetter || index > 0 && character.isNumber ? character : "_"
    })

let package = Package(
    name: "martlet-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "martlet", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Martlet",
            dependencies: [
                "CAllocations",
                .product(name: "MartletInternals", package: "martlet"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/Martlet",
            packageAccess: false,
            swiftSettings: [
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .unsafeFlags(["-package-name", rootName]),
            ],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
        .target(name: "CAllocations"),
    ],
    swiftLanguageModes: [.v6]
)
