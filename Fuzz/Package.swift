// swift-tools-version: 6.2

import PackageDescription

// Fuzz targets, guided by coverage through libFuzzer; `make fuzz` builds and runs them.
//
// A package of its own, because every module under test is built with the sanitizers' instrumentation. The modules are
// links to the main package's folders: `package` access reaches no further than one package.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let instrumented = strict + [.unsafeFlags(["-sanitize=fuzzer,address"])]

#if arch(arm64)
    let architecture = "aarch64"
#else
    let architecture = "x86_64"
#endif

let package = Package(
    name: "martlet-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .executableTarget(
            name: "martlet-fuzz",
            dependencies: [
                "CLibFuzzer", "MartletAPI", "MartletChat", "MartletGGUF", "MartletGrammar", "MartletJSON",
                "MartletProtocol", "MartletSchema", "MartletStreams",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: instrumented,
            linkerSettings: [
                // libFuzzer without its `main`: the program has its own, and names the target to run.
                .linkedLibrary("clang_rt.fuzzer_no_main-\(architecture)"),
                .linkedLibrary("stdc++"),
                .unsafeFlags(["-sanitize=address", "-use-ld=lld"]),
            ]
        ),
        .systemLibrary(name: "CLibFuzzer"),
        .target(name: "MartletText", swiftSettings: instrumented),
        .target(
            name: "MartletAPI",
            dependencies: [
                "MartletGrammar", "MartletJSON", "MartletProtocol", "MartletSchema", "MartletStreams", "MartletText",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: instrumented
        ),
        .target(
            name: "MartletChat",
            dependencies: [
                "MartletGrammar", "MartletJSON", "MartletProtocol", "MartletSchema", "MartletText",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            swiftSettings: instrumented
        ),
        .target(
            name: "MartletStreams",
            dependencies: [
                "MartletFiles", "MartletJSON", "MartletObservability", "MartletProtocol", "MartletText",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: instrumented
        ),
        .target(name: "MartletObservability", dependencies: ["MartletProtocol"], swiftSettings: strict),
        .target(name: "MartletFiles", swiftSettings: strict),
        .target(name: "MartletGGUF", dependencies: ["MartletText"], swiftSettings: instrumented),
        .target(name: "MartletProtocol", dependencies: ["MartletGrammar"], swiftSettings: instrumented),
        .target(
            name: "MartletSchema",
            dependencies: [
                "MartletGrammar", "MartletJSON", "MartletText",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            exclude: ["design.md"],
            swiftSettings: instrumented
        ),
        .target(
            name: "MartletGrammar", dependencies: ["MartletText"], exclude: ["design.md"], swiftSettings: instrumented),
        .target(
            name: "MartletJSON",
            dependencies: ["MartletText", .product(name: "OrderedCollections", package: "swift-collections")],
            swiftSettings: instrumented
        ),
    ],
    swiftLanguageModes: [.v6]
)
