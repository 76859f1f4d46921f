import Subprocess
import SystemPackage
import Testing

/// The examples at the beginning of the pages, as they are written.
@Suite(.timeLimit(.minutes(15))) struct PageExampleTests {
    @Test func theFirstExamplesOfThePagesRunWithTheirOutput() async throws {
        // The example of docs/speculation.md needs the flag; the others do not mind.
        try await Server.run(["--flash-attn", "on"]) { server in
            let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/page_examples.py")
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [
                    script.string, MartletProcess.repository.string, MartletProcess.path.string,
                    "http://127.0.0.1:\(server.port)",
                ],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            #expect(
                result.standardOutput.hasSuffix("all examples passed\n"),
                "\(result.standardOutput)\(result.standardError)")
        }
    }
}
