import MartletTestSupport
import Subprocess
import SystemPackage
import Testing

/// Programs of `Tests/Clients` that need no more packages than the set-up installs; `make test-clients` runs all of them.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ClientServerTests {
    /// Requests in the shape of Codex, Claude Code, opencode and Zed, and the snippets of the documentation.
    @Test func recordedRequestsAndDocumentedSnippetsWork() async throws {
        try await Server.run(["--ctx-size", "32768", "--embeddings", "--pooling", "mean"]) { server in
            for program in ["recorded.py", "snippets.py", "example.py"] {
                let script = MartletProcess.repository.appending("Tests/Clients/\(program)")
                let result = try await Subprocess.run(
                    .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                    arguments: [script.string, "http://127.0.0.1:\(server.port)"],
                    output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
                let output = result.standardOutput
                #expect(output.hasSuffix("all checks passed\n"), "\(program): \(output)\(result.standardError)")
            }
        }
    }
}
