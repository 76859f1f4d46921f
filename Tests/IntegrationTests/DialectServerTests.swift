import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Subprocess
import SystemPackage
import Testing

/// Messages and Responses against the real binary and a real model.
@Suite(.serialized, .timeLimit(.minutes(15))) struct DialectServerTests {
    @Test(arguments: ["dialects_sdk.py", "responses_socket.py"])
    func anthropicsAndOpenAIsClientsWorkUnchanged(name: String) async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/\(name)")
        try await Server.run { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)"],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            #expect(output.hasSuffix("all checks passed\n"), "\(output)\(result.standardError)")
        }
    }

    /// A response whose last event a client has is found by the next server, though this one dies at that moment.
    @Test func aResponseSurvivesTheDeathOfItsServerAtItsEnd() async throws {
        let folder = StateFolder()
        let ids = LockedValue<[String]>([])
        for more in [[:], ["background": true]] as [JSONObject] {
            try await Server.run(["--state-dir", folder.path]) { server in
                var body: JSONObject = ["input": "What is 12 + 30?", "temperature": 0]
                body.merge(more) { $1 }
                let connection = try await server.openStream(.object(body), path: "/v1/responses")
                var text = ""
                while !text.contains("event: response.completed") {
                    text += String(decoding: try #require(try await connection.readBodyPart()), as: UTF8.self)
                }
                kill(server.processIdentifier, SIGKILL)
                let start = try #require(text.firstRange(of: #""resp_"#)).upperBound
                ids.set(ids.value + [String(text[start...].prefix(32))])
            }
        }
        try await Server.run(["--state-dir", folder.path]) { server in
            for id in ids.value {
                let (status, body) = try await server.get("/v1/responses/resp_\(id)")
                #expect(status == 200 && body.contains("\"completed\""))
            }
        }
        #expect(ids.value.count == 2)
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
