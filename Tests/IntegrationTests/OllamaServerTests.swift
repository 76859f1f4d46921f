import Subprocess
import SystemPackage
import Testing

/// The real binary with Ollama's Python client.
@Suite(.serialized, .timeLimit(.minutes(15))) struct OllamaServerTests {
    @Test func theClientOfOllamaWorks() async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/ollama_sdk.py")
        try await Server.run(["--ctx-size", "4096", "--embeddings", "--pooling", "mean"]) { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)"],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)\(result.standardError)")
        }
    }
}
