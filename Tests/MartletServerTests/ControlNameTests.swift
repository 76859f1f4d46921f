import MartletJSON
import MartletServer
import MartletTestSupport
import Testing

/// The names by which control commands find a generation.
@Suite struct ControlNameTests {
    /// The id of a response names its generation in every dialect, also with an underscore before its digits.
    @Test(arguments: [
        ("/v1/messages", #"{"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#),
        ("/v1/responses", #"{"store":false,"input":"hi"}"#), ("/v1/completions", #"{"prompt":"hi"}"#),
    ]) func theIDOfAResponseNamesItsGeneration(path: String, body: String) async throws {
        try await TestServer.run(script: .complete(["x"])) { server async throws in
            let id = try #require(try json(try await server.send("POST", path, body: body).body)["id"]?.stringValue)
            let (head, reply) = try await server.send(
                "POST", "/v1/generations/\(id)/control", body: #"{"action":"status"}"#)
            let reason = try json(reply)["error"]?["reason"]
            #expect(head.status == 409 && reason == "finished", "\(id): \(reply)")
        }
    }
}
