import Subprocess
import SystemPackage
import Testing

/// Limits on thinking, with the real model.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ReasoningServerTests {
    @Test func responsesKeepTheirFormatAndBudgetsHoldOverToolRounds() async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/reasoning_cuts.py")
        try await Server.run { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)", MartletProcess.repository.string],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            #expect(output.hasSuffix("all checks passed\n"), "\(output)\(result.standardError)")
        }
    }
}
