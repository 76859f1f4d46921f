import MartletJSON
import MartletPlatform
import MartletTestSupport
import Subprocess
import SystemPackage
import Testing

/// Messages and Responses against the real binary and a real model.
@Suite(.serialized, .timeLimit(.minutes(5))) struct DialectServerTests {
    @Test func anthropicsAndOpenAIsClientsWorkUnchanged() async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/dialects_sdk.py")
        try await Server.run { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)"],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            #expect(output.hasSuffix("all checks passed\n"), "\(output)\(result.standardError)")
        }
    }

    /// A stored response is continued by the next server.
    @Test func storedResponsesSurviveARestart() async throws {
        let folder = StateFolder()
        let arguments = ["--state-dir", folder.path, "--model-map", "gpt-*=fledgling", "--strict-model"]
        let first = LockedValue<JSONValue>(.null)
        try await Server.run(arguments) { server in
            let (status, body) = try await server.post(
                "/v1/responses", ["model": "gpt-5", "input": "What is 12 + 30?", "temperature": 0])
            #expect(status == 200)
            first.set(body)
            let other = try await server.post("/v1/responses", ["model": "another", "input": "Hello"])
            #expect(other.status == 404)
        }
        let id = try #require(first.value["id"]?.stringValue)
        try await Server.run(arguments) { server in
            let stored = try JSONParser.parse(Array(try await server.get("/v1/responses/\(id)").body.utf8))
            #expect(stored == first.value)
            let (status, body) = try await server.post(
                "/v1/responses",
                ["model": "gpt-5", "input": "Hello", "temperature": 0, "previous_response_id": .string(id)])
            #expect(status == 200 && body["status"] == "completed")
            let tokens = (first.value["usage"]?["total_tokens"]?.integerValue ?? 0)
            #expect((body["usage"]?["input_tokens"]?.integerValue ?? 0) > tokens / 2)
        }
    }
}
