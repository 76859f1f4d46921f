// swift-tools-version: 6.2

import PackageDescription

// Fuzz targets, guided by coverage through libFuzzer; `make fuzz` builds and runs them.
//
// The package depends on the root package by path. `scripts/fuzz` passes the instrumentation to every module of the
// build, because a manifest cannot set flags of another package. `package` declarations of the root package are
// visible, because this target carries the root package's name: SwiftPM derives that name from the folder.

let rootFolder = Context.packageDirectory.split(separator: "/").dropLast().last ?? ""
let rootName = String(
    rootFolder.lowercased().enumerated().map { index, character in
        character.isLetter || index > 0 && character.isNumber ? character : "_"
    })

#if arch(arm64)
    let architecture = "aarch64"
#else
    let architecture = "x86_64"
#endif

let package = Package(
    name: "martlet-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "martlet", path: ".."),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "martlet-fuzz",
            dependencies: [
                "CLibFuzzer",
                .product(name: "MartletInternals", package: "martlet"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            packageAccess: false,
            swiftSettings: [
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .unsafeFlags(["-package-name", rootName]),
            ],
            linkerSettings: [
                // libFuzzer without its `main`: the program has its own, and names the target to run.
                .linkedLibrary("clang_rt.fuzzer_no_main-\(architecture)"),
                .linkedLibrary("stdc++"),
                .unsafeFlags(["-sanitize=address", "-use-ld=lld"]),
            ]
        ),
        .systemLibrary(name: "CLibFuzzer"),
    ],
    swiftLanguageModes: [.v6]
)
