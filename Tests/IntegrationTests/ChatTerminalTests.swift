import Foundation
import Subprocess
import SystemPackage
import Testing

/// `martlet chat` and `martlet serve` at a terminal.
@Suite(.timeLimit(.minutes(15))) struct ChatTerminalTests {
    @Test func everyCommandReachesTheRunningGeneration() async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/chat_terminal.py")
        let result = try await Subprocess.run(
            .path(MartletProcess.repository.appending(".deps/python/bin/python")),
            arguments: [script.string, MartletProcess.path.string],
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        #expect(
            result.standardOutput.hasSuffix("all checks passed\n"), "\(result.standardOutput)\(result.standardError)")
    }

    /// `martlet serve` has a live row while a model loads, at a terminal only.
    @Test func aServerShowsTheLoadOfItsModel() async throws {
        let folder = NSTemporaryDirectory() + "martlet-terminal-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: ModelsFolder.source, toPath: folder + "/tiny.gguf")
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/serve_terminal.py")
        let result = try await Subprocess.run(
            .path(MartletProcess.repository.appending(".deps/python/bin/python")),
            arguments: [script.string, MartletProcess.path.string, folder],
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        #expect(
            result.standardOutput.hasSuffix("all checks passed\n"), "\(result.standardOutput)\(result.standardError)")
    }
}
