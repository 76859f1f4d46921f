import Foundation
import Subprocess
import SystemPackage
import Testing

/// The WebSocket of the real binary, with a client library that knows nothing of it.
@Suite(.serialized, .timeLimit(.minutes(15))) struct RealtimeServerTests {
    @Test func clientLibraryAndDescriptionAgreeWithTheServer() async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/realtime.py")
        try await Server.run(["--parallel", "4"]) { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)", MartletProcess.repository.string],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            #expect(output.hasSuffix("all checks passed\n"), "\(output)\(result.standardError)")
        }
    }

    /// The same checks over TLS, with a certificate that only the tests' clients know.
    @Test func theSameHoldsOverTLS() async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/realtime.py")
        let certificates = MartletProcess.repository.appending("Tests/MartletServerTests/Certificates")
        let certificate = certificates.appending("localhost.pem").string
        let flags = [
            "--parallel", "4", "--ssl-cert-file", certificate, "--ssl-key-file",
            certificates.appending("localhost-key.pem").string,
        ]
        try await Server.run(flags) { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "https://localhost:\(server.port)", MartletProcess.repository.string],
                environment: .inherit.updating(["SSL_CERT_FILE": certificate]),
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            #expect(output.hasSuffix("all checks passed\n"), "\(output)\(result.standardError)")
        }
    }

    /// The program of docs/realtime.md, with a request that is served and with a refused request.
    @Test(arguments: [true, false]) func exampleOfThePageEndsEitherWay(isServed: Bool) async throws {
        let page = try String(
            contentsOfFile: MartletProcess.repository.appending("docs/realtime.md").string, encoding: .utf8)
        let start = try #require(page.firstRange(of: "```python\n")).upperBound
        let end = try #require(page[start...].firstRange(of: "\n```")).lowerBound
        try await Server.run { server in
            var script = String(page[start..<end]).replacing("127.0.0.1:8080", with: "127.0.0.1:\(server.port)")
            if !isServed { script = script.replacing(#""request": {"#, with: #""request": {"temperature": "warm", "#) }
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: ["-c", script], output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            #expect(result.terminationStatus.isSuccess == isServed, "\(result.standardError)")
            #expect(result.standardOutput.isEmpty != isServed)
            if !isServed { #expect(result.standardError.contains("temperature"), "\(result.standardError)") }
        }
    }

    /// Runs examples/steer.py with its documented arguments.
    @Test func exampleControlsAGeneration() async throws {
        let script = MartletProcess.repository.appending("examples/steer.py")
        try await Server.run(["--parallel", "2"]) { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)"],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            let lines = output.split(separator: "\n").map { String($0) }
            for beginning in [
                "generation chatcmpl-", "reasoning was cut at token ", "paused at token ", "temperature 0.8 -> 0.2",
                "forked ['chatcmpl-", "resumed at token ", "fork: ", "content: ", "ended with stop",
            ] {
                #expect(
                    lines.contains { $0.hasPrefix(beginning) }, "no \(beginning): \(output)\(result.standardError)")
            }
            func location(_ name: String) -> Substring? {
                lines.first { $0.hasPrefix(name) }?.split(separator: " ").last
            }
            #expect(location("paused") == location("resumed"))
        }
    }
}
