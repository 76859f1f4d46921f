import Foundation
import MartletTestSupport
import Subprocess
import SystemPackage
import Testing

/// Embeddings of the real binary against those of llama-cpp-python.
@Suite(.serialized, .timeLimit(.minutes(15))) struct EmbeddingServerTests {
    private static let fledgling = MartletProcess.repository.appending("Models/fledgling.Q8_0.gguf").string
    private static let random = MartletProcess.repository.appending(".deps/test-models/micro.gguf").string

    private static let cases = [
        (fledgling, "mean"), (fledgling, "last"), (fledgling, "none"), (fledgling, "cls"), (random, "mean"),
        (random, "last"),
    ].filter { FileManager.default.fileExists(atPath: $0.0) }

    @Test(arguments: cases)
    func vectorsEqualThoseOfTheReference(model: String, pooling: String) async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/embeddings.py")
        try await Server.run(["--model", model, "--ctx-size", "4096", "--embeddings", "--pooling", pooling]) { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)", model, pooling],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)\(result.standardError)")
        }
    }
}
