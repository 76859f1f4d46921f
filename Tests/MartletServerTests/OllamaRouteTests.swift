import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Ollama's routes, from HTTP to the engine and back.
@Suite struct OllamaRouteTests {
    private static let chat = #""messages":[{"role":"user","content":"hi"}]"#

    private func lines(_ body: String) throws -> [JSONValue] {
        try body.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
    }

    @Test(arguments: [("/api/chat", chat, "message"), ("/api/generate", #""prompt":"hi""#, "response")])
    func aStreamHasOneObjectPerLine(path: String, fields: String, member: String) async throws {
        try await TestServer.run(script: .complete(["He", "llo"])) { server async throws in
            let (head, body) = try await server.send("POST", path, body: "{\(fields)}")
            #expect(head.status == 200 && head["content-type"] == "application/x-ndjson")
            let lines = try lines(body)
            func text(_ line: JSONValue) -> String? {
                (member == "message" ? line["message"]?["content"] : line["response"])?.stringValue
            }
            #expect(lines.compactMap(text) == ["He", "llo", ""])
            #expect(lines.map { $0["done"] } == [false, false, true])
            #expect(Set(lines.compactMap { $0["created_at"]?.stringValue }).count == 1)
            let last = try #require(lines.last)
            #expect(last["done_reason"] == "stop" && last["eval_count"] == 2)
            for name in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
                #expect(last[name]?.integerValue != nil, "\(name)")
            }
            let whole = try json(try await server.send("POST", path, body: "{\(fields),\"stream\":false}").body)
            #expect(text(whole) == "Hello" && whole["done"] == true && whole["eval_count"] == 2)
        }
    }

    @Test func aStreamCanBeReadAgain() async throws {
        try await TestServer.run(script: .complete(["He", "llo"])) { server async throws in
            let (head, body) = try await server.send(
                "POST", "/api/chat", headers: [("X-Conversation-Id", "talk")], body: "{\(Self.chat)}")
            #expect(head.status == 200)
            let id = try #require(head["x-generation-id"])
            #expect(try await server.send("GET", "/v1/stream/talk").body == body)
            let events = try await server.send("GET", "/v1/generations/\(id)/events")
            #expect(events.head["content-type"] == "text/event-stream")
            #expect(events.body.contains("id: ") && events.body.contains("data: {\"model\""))
        }
    }

    @Test func modelsAreListedAndShown() async throws {
        try await TestServer.run { server async throws in
            let tags = try json(try await server.send("GET", "/api/tags").body)
            #expect(tags["models"]?.arrayValue?.first?["model"] == "martlet")
            let shown = try json(try await server.send("POST", "/api/show", body: #"{"model":"martlet:latest"}"#).body)
            #expect(shown["capabilities"]?.arrayValue?.contains("completion") == true)
            #expect(shown["model_info"]?["fake.context_length"] == 2_048)
            let running = try json(try await server.send("GET", "/api/ps").body)
            #expect(running["models"]?.arrayValue?.first?["context_length"] == 2_048)
            #expect(try json(try await server.send("GET", "/api/version").body)["version"]?.stringValue != nil)
        }
    }

    @Test(arguments: [
        ("/api/show", #"{"model":"other"}"#, 404), ("/api/show", "{}", 400), ("/api/chat", "[]", 400),
        ("/api/chat", #"{"messages":[{"role":"x"}]}"#, 400), ("/api/generate", #"{"prompt":1}"#, 400),
        ("/api/embed", #"{"input":"a"}"#, 400), ("/api/pull", #"{"model":"other"}"#, 400), ("/api/nothing", "{}", 404),
        ("/api/generate", #"{"prompt":"a","suffix":"b"}"#, 400),
    ]) func anErrorIsAText(path: String, body: String, status: Int) async throws {
        try await TestServer.run { server async throws in
            let (head, body) = try await server.send("POST", path, body: body)
            #expect(head.status == status)
            #expect(try json(body)["error"]?.stringValue?.isEmpty == false, "\(body)")
        }
    }

    @Test func aRequestWithoutAPromptLoads() async throws {
        try await TestServer.run { server async throws in
            for (path, member) in [("/api/chat", "message"), ("/api/generate", "response")] {
                let (head, body) = try await server.send("POST", path, body: #"{"model":"martlet"}"#)
                #expect(head.status == 200)
                #expect(try json(body)["done_reason"] == "load" && json(body)[member] != nil)
            }
            #expect(server.engine.requests.isEmpty)
            let pulled = try await server.send("POST", "/api/pull", body: #"{"model":"martlet"}"#)
            #expect(try lines(pulled.body).last == ["status": "success"])
        }
    }

    @Test func embeddingsAndGapsWork() async throws {
        var information = ModelInformation.fake
        information.embeddingPooling = .mean
        information.infillTokens.numbers = [200, 201, 202, -1, -1, -1]
        try await TestServer.run(state: .ready(information), script: .complete(["x"])) { server async throws in
            let embedded = try await server.send("POST", "/api/embed", body: #"{"input":["a","bb"]}"#)
            #expect(try json(embedded.body)["embeddings"]?.arrayValue?.count == 2)
            #expect(try json(embedded.body)["prompt_eval_count"] == 3)
            let older = try await server.send("POST", "/api/embeddings", body: #"{"prompt":"a"}"#)
            #expect(try json(older.body)["embedding"] == [1.0, 97.0])
            let filled = try await server.send(
                "POST", "/api/generate", body: #"{"prompt":"a","suffix":"b","stream":false}"#)
            #expect(try json(filled.body)["response"] == "x")
            #expect(await server.engine.request(0).prompt.pieces == [.tokens([200, 97, 201, 98, 202])])
        }
    }

    @Test func optionsWithoutEffectAreNamed() async throws {
        try await TestServer.run(script: .complete(["x"])) { server async throws in
            let (head, body) = try await server.send(
                "POST", "/api/chat", body: #"{\#(Self.chat),"options":{"num_ctx":9},"stream":false}"#)
            let text = "\"options.num_ctx\": no effect: the server decides (--ctx-size)"
            #expect(head["x-martlet-warnings"] == text)
            #expect(try json(body)["warnings"] == [.string(text)])
        }
    }
}
