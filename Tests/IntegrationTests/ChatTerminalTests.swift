import Subprocess
import SystemPackage
import Testing

/// `martlet chat` at a terminal.
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
}
