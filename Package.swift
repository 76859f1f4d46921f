// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "martlet",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "martlet", targets: ["martlet"]),
        .library(name: "MartletEngine", targets: ["MartletEngine"]),
        // For the packages Fuzz and Benchmarks: everything that needs neither libllama nor an HTTP framework.
        .library(
            name: "MartletInternals",
            targets: [
                "MartletAPI", "MartletChat", "MartletFiles", "MartletGGUF", "MartletGenerations", "MartletGrammar",
                "MartletJSON", "MartletJinja", "MartletModels", "MartletProtocol", "MartletSchema",
                "MartletStateFiles", "MartletStreams",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "martlet",
            dependencies: ["MartletCommands", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
        .target(
            name: "MartletCommands",
            dependencies: [
                "MartletPlatform", "MartletServer", "MartletAPI", "MartletGenerations", "MartletPool", "MartletWorkers",
                "MartletEngine", "MartletGrammar", "Llama", "MartletChat", "MartletStreams", "MartletObservability",
                "MartletProtocol", "MartletJSON", "MartletDownloads", "MartletFiles", "MartletGGUF", "MartletJinja",
                "MartletModels", "MartletSchema", "MartletStateFiles", "MartletText",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            exclude: ["Chat/design.md"]),
        .target(
            name: "MartletServer",
            dependencies: [
                "CPage", "MartletPlatform",
                "MartletAPI", "MartletGenerations", "MartletModels", "MartletPool", "MartletStreams", "MartletChat",
                "MartletGrammar",
                "MartletProtocol",
                "MartletJSON", "MartletJinja", "MartletFiles", "MartletObservability", "MartletSchema", "MartletText",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            exclude: ["design.md"]),
        .target(
            name: "MartletPool",
            dependencies: [
                "MartletGenerations", "MartletModels", "MartletProtocol", "MartletStreams", "MartletText",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
            ],
            exclude: ["design.md"]),
        .target(
            name: "MartletWorkers",
            dependencies: [
                "MartletPlatform", "CSandbox", "MartletProtocol", "MartletText",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["design.md"]),
        .target(
            name: "MartletAPI",
            dependencies: [
                "MartletConversation", "MartletPlatform",
                "CZlib", "MartletGenerations", "MartletGrammar", "MartletJSON", "MartletModels", "MartletPool",
                "MartletProtocol", "MartletSchema",
                "MartletStreams", "MartletText",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            exclude: ["design.md"]
        ),
        .target(
            name: "MartletGenerations",
            dependencies: [
                "MartletConversation", "MartletPlatform",
                "MartletChat", "MartletFiles", "MartletGrammar", "MartletJSON", "MartletJinja", "MartletObservability",
                "MartletProtocol", "MartletSchema", "MartletStreams", "MartletText",
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            exclude: ["design.md"]
        ),
        .target(
            name: "MartletStreams",
            dependencies: [
                "MartletPlatform",
                "MartletFiles", "MartletGrammar", "MartletJSON", "MartletObservability", "MartletProtocol",
                "MartletText",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ],
            exclude: ["design.md", "Journal/design.md"]
        ),
        .target(
            name: "MartletChat",
            dependencies: [
                "MartletConversation", "MartletGrammar", "MartletJSON", "MartletJinja", "MartletProtocol",
                "MartletSchema", "MartletText",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            exclude: ["design.md"]
        ),
        .target(name: "MartletConversation", dependencies: ["MartletJSON", "MartletText"]),
        .target(
            name: "MartletJinja",
            dependencies: [
                "MartletPlatform",
                "MartletJSON", "MartletText", .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            exclude: ["design.md"]
        ),
        .target(
            name: "MartletEngine",
            dependencies: [
                "MartletPlatform", "MartletGGUF", "MartletModels",
                "Llama", "MartletFiles", "MartletGrammar", "MartletProtocol", "MartletStateFiles", "MartletText",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["design.md"]
        ),
        .target(
            name: "MartletSchema",
            dependencies: [
                "MartletGrammar", "MartletJSON", "MartletText",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ],
            exclude: ["design.md"]
        ),
        .target(
            name: "MartletPlatform",
            dependencies: [
                .product(
                    name: "SystemPackage", package: "swift-system",
                    condition: .when(platforms: [.linux, .android, .windows, .wasi]))
            ]),
        .target(name: "MartletText", dependencies: ["MartletPlatform"]),
        .target(
            name: "MartletGrammar", dependencies: ["MartletText"], exclude: ["design.md"]),
        .target(name: "MartletProtocol", dependencies: ["MartletGrammar"]),
        .target(name: "MartletFiles", dependencies: ["MartletPlatform"]),
        .target(
            name: "MartletStateFiles", dependencies: ["MartletPlatform", "MartletFiles"], exclude: ["design.md"]),
        .target(name: "MartletGGUF", dependencies: ["MartletPlatform", "MartletText"]),
        .target(
            name: "MartletModels",
            dependencies: ["MartletPlatform", "MartletFiles", "MartletGGUF", "MartletJSON", "MartletText"],
            exclude: ["design.md"]),
        .target(
            name: "MartletDownloads",
            dependencies: [
                "CSandbox", "MartletPlatform", "MartletFiles", "MartletJSON", "MartletModels", "MartletText",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            exclude: ["design.md"]),
        .target(name: "CSandbox"), .target(name: "CPage"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "MartletJSON",
            dependencies: ["MartletText", .product(name: "OrderedCollections", package: "swift-collections")]
        ),
        .target(
            name: "MartletObservability", dependencies: ["MartletPlatform", "MartletProtocol"]),
        .target(
            name: "Llama",
            dependencies: [
                "MartletPlatform", "CLlama", "MartletGGUF", .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .systemLibrary(name: "CLlama", pkgConfig: "llama", providers: [.brew(["llama.cpp"])]),
        .target(
            name: "MartletTestSupport",
            dependencies: [
                "MartletFiles", "MartletGenerations", "MartletGrammar", "MartletModels", "MartletPlatform",
                "MartletPool",
                "MartletProtocol", "MartletStreams",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .executableTarget(
            name: "martlet-rig",
            dependencies: [
                "MartletServer", "MartletProtocol", "MartletTestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "MartletSimulation",
            dependencies: [
                "MartletPlatform", "MartletChat", "MartletFiles", "MartletGenerations", "MartletGrammar", "MartletJSON",
                "MartletProtocol", "MartletSchema", "MartletStreams", "MartletTestSupport", "MartletWorkers",
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
            ],
            exclude: ["design.md"]),
        .executableTarget(
            name: "martlet-simulate",
            dependencies: [
                "MartletPlatform", "MartletSimulation",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(
            name: "MartletSimulationTests", dependencies: ["MartletSimulation", "martlet-simulate"]),
        .testTarget(name: "MartletTextTests", dependencies: ["MartletTestSupport", "MartletText"]),
        .testTarget(name: "MartletJSONTests", dependencies: ["MartletJSON"]),
        .testTarget(
            name: "MartletSchemaTests",
            dependencies: [
                "MartletSchema", "MartletGrammar", "MartletJSON", "MartletTestSupport",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .testTarget(
            name: "MartletGrammarTests", dependencies: ["MartletGrammar", "MartletTestSupport"]
        ),
        .testTarget(
            name: "MartletProtocolTests", dependencies: ["MartletGrammar", "MartletProtocol", "MartletTestSupport"]),
        .testTarget(
            name: "MartletChatTests",
            dependencies: [
                "MartletConversation", "MartletPlatform",
                "MartletChat", "MartletAPI", "MartletGenerations", "MartletGrammar", "MartletJSON", "MartletJinja",
                "MartletProtocol", "MartletSchema",
                "MartletStreams", "MartletTestSupport", "MartletText",
            ],
            exclude: ["Outputs"]),
        .testTarget(
            name: "MartletJinjaTests",
            dependencies: ["MartletPlatform", "MartletJinja", "MartletJSON", "MartletTestSupport", "MartletText"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "MartletEngineTests",
            dependencies: [
                "MartletEngine", "Llama", "MartletFiles", "MartletGGUF", "MartletGrammar", "MartletProtocol",
                "MartletStateFiles", "MartletTestSupport",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "MartletStreamsTests",
            dependencies: [
                "MartletPlatform",
                "MartletStreams", "MartletFiles", "MartletObservability", "MartletProtocol", "MartletTestSupport",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            exclude: ["Journals"]),
        .testTarget(
            name: "MartletAPITests",
            dependencies: [
                "MartletConversation", "MartletAPI", "MartletChat", "MartletGenerations", "MartletGrammar",
                "MartletJSON", "MartletProtocol", "MartletSchema", "MartletStreams", "MartletTestSupport",
                "MartletText",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .testTarget(
            name: "MartletGenerationsTests",
            dependencies: [
                "MartletConversation", "MartletChat", "MartletGenerations", "MartletGrammar", "MartletJSON",
                "MartletProtocol",
                "MartletSchema", "MartletStreams", "MartletTestSupport",
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .testTarget(
            name: "MartletPoolTests",
            dependencies: [
                "MartletGenerations", "MartletModels", "MartletPool", "MartletProtocol", "MartletStreams",
                "MartletTestSupport", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "MartletServerTests",
            dependencies: [
                "MartletPlatform",
                "MartletServer", "MartletAPI", "MartletGenerations", "MartletModels", "MartletPool", "MartletStreams",
                "MartletProtocol", "MartletJSON", "MartletTestSupport", "MartletText",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            exclude: ["Certificates", "Journals"]),
        .testTarget(
            name: "LlamaTests",
            dependencies: [
                "Llama", "CLlama", "MartletChat", "MartletGGUF", "MartletJSON", "MartletJinja", "MartletPlatform",
            ]),
        .testTarget(
            name: "MartletFilesTests", dependencies: ["MartletPlatform", "MartletFiles"]),
        .testTarget(
            name: "MartletStateFilesTests",
            dependencies: ["MartletPlatform", "MartletFiles", "MartletStateFiles"]),
        .testTarget(
            name: "MartletGGUFTests", dependencies: ["MartletPlatform", "MartletGGUF"]),
        .testTarget(
            name: "MartletModelsTests",
            dependencies: ["MartletModels", "MartletGGUF", "MartletJSON", "MartletPlatform"]),
        .testTarget(
            name: "MartletDownloadsTests",
            dependencies: [
                "MartletDownloads", "MartletJSON", "MartletModels", "MartletPlatform", "MartletTestSupport",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "MartletObservabilityTests", dependencies: ["MartletObservability", "MartletProtocol"]),
        .testTarget(
            name: "MartletWorkersTests",
            dependencies: [
                "MartletPlatform", "MartletWorkers", "MartletProtocol",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        .testTarget(
            name: "MartletCommandsTests",
            dependencies: [
                "MartletPlatform",
                "MartletCommands", "MartletAPI", "MartletChat", "MartletEngine", "MartletGenerations", "MartletJSON",
                "MartletDownloads", "MartletGGUF", "MartletModels", "MartletPool", "MartletText", "MartletWorkers",
                "MartletProtocol", "MartletSchema", "MartletServer", "MartletStateFiles", "MartletTestSupport", "Llama",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "MartletPlatform", "MartletJSON", "MartletTestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["Python"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

for target in package.targets where target.type != .system {
    target.swiftSettings = settings
}
