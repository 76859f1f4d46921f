import Foundation
import Logging
import MartletGenerations
import MartletServer
import MartletTestSupport
import NIOPosix
import Testing

@Suite struct PromptLogTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` with the path of a folder that does not exist.
    private func withPath(_ body: (URL) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-prompts-\(UUID())")
        defer { try? FileManager.default.removeItem(at: path) }
        try await body(path)
    }

    @Test func eachPromptIsAFileForTheServersAccountAlone() async throws {
        try await withPath { path in
            let pool = NIOThreadPool(numberOfThreads: 1)
            pool.start()
            let log = try PromptLog(folder: path.path, pool: pool, logger: Self.logger)
            try await TestServer.run {
                $0.promptLog = log
            } body: { server async throws in
                let body = #"{"prompt":["Two kites",[5,6]],"max_tokens":1,"stream":true}"#
                for _ in 0..<2 {
                    let connection = try await server.connect()
                    try await connection.send("POST", "/v1/completions", body: body)
                    _ = try await connection.readHead()
                    try await connection.close()
                }
            }
            // After the prompts on the pool's only thread.
            try await pool.runIfActive {}
            try await pool.shutdownGracefully()
            let names = try FileManager.default.contentsOfDirectory(atPath: path.path)
            #expect(names.count == 4 && names.allSatisfy { $0.hasSuffix(".txt") })
            let texts = try names.map { try String(contentsOf: path.appending(path: $0), encoding: .utf8) }
            #expect(texts.sorted() == ["Two kites", "Two kites", "[5, 6]", "[5, 6]"])
            for (name, rights) in [("", 0o700), (names[0], 0o600)] {
                let attributes = try FileManager.default.attributesOfItem(atPath: path.appending(path: name).path)
                #expect(attributes[.posixPermissions] as? Int == rights)
            }
        }
    }

    @Test func aFolderThatIsNoneIsRefused() async throws {
        try await withPath { path in
            try Data().write(to: path)
            for folder in [path.path, path.path + "/x", "/nowhere/x"] {
                let error = #expect(throws: UnusablePromptFolder.self) {
                    try PromptLog(folder: folder, logger: Self.logger)
                }
                let expected = "--log-prompts-dir: \(folder) cannot be used: "
                #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
            }
        }
    }
}
