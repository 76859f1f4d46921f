import MartletAPI
import MartletGenerations
import MartletJSON
import MartletPool
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Names of models in requests, on every route: the operator's map, and Ollama's tag.
@Suite struct ModelNameTests {
    private static let chat = #""messages":[{"role":"user","content":"hi"}]"#

    /// The pooling of a server, and requests that it serves.
    private static let requests: [(EmbeddingPooling, [(path: String, fields: String)])] = [
        (
            EmbeddingPooling.mean,
            [
                ("/v1/chat/completions", chat), ("/v1/messages", chat + #","max_tokens":5"#),
                ("/v1/responses", #""input":"hi""#), ("/v1/completions", #""prompt":"a""#),
                ("/v1/completions", #""prompt":"a","suffix":"b""#), ("/completion", #""prompt":"a""#),
                ("/infill", #""input_prefix":"a","input_suffix":"b""#), ("/apply-template", chat),
                ("/tokenize", #""content":"a""#), ("/detokenize", #""tokens":[97]"#),
                ("/v1/embeddings", #""input":"a""#),
                ("/v1/chat/completions/input_tokens", chat), ("/api/chat", chat), ("/api/chat", #""messages":[]"#),
                ("/api/generate", #""prompt":"a""#), ("/api/generate", #""stream":true"#),
                ("/api/generate", #""prompt":"a","suffix":"b""#), ("/api/embed", #""input":"a""#),
                ("/api/show", #""a":1"#),
                ("/api/pull", #""stream":false"#),
            ]
        ), (.rank, [("/v1/rerank", #""query":"q","documents":["d"]"#)]),
    ]

    /// The server answers to its own names only, so a route without the map responds with 404.
    @Test(arguments: requests) func theMapAppliesOnEveryRoute(
        pooling: EmbeddingPooling, requests: [(path: String, fields: String)]
    )
        async throws
    {
        var information = ModelInformation.fake
        information.embeddingPooling = pooling
        information.rerankFormat = RerankFormat()
        information.infillTokens.numbers = [200, 201, 202, 203, 204, -1]
        information.batchSize = 512
        try await TestServer.run(state: .ready(information), script: .complete(["x"])) {
            $0.refusesOtherModelNames = true
            $0.modelNameMap = ModelNameMap("gpt-*=martlet") ?? ModelNameMap()
        } body: { server async throws in
            for (path, fields) in requests {
                let (head, body) = try await server.send("POST", path, body: #"{"model":"gpt-4",\#(fields)}"#)
                #expect(head.status == 200, "\(path) \(fields): \(body)")
                #expect(head["x-martlet-warnings"]?.contains("gpt-4") != true, "\(path)")
            }
            // The rule that the map passes by.
            #expect(
                try await server.send("POST", "/v1/embeddings", body: #"{"model":"x","input":"a"}"#).head.status == 404)
        }
    }

    @Test func theMapAppliesToSeveralModels() async throws {
        try await PoolServer.run(settings: { $0.nameMap = ModelNameMap("gpt-*=b,b=c") ?? ModelNameMap() }) {
            server async throws in
            #expect(try await server.chat("gpt-4").text == "b")
            for (path, fields) in [
                ("/tokenize", #""content":"a""#), ("/apply-template", Self.chat), ("/api/show", #""a":1"#),
                ("/api/generate", #""stream":false"#),
            ] {
                let (status, body) = try await server.send("POST", path, body: #"{"model":"gpt-4",\#(fields)}"#)
                #expect(status == 200, "\(path): \(body)")
            }
            #expect(server.models.loads == ["b"])
            // The name of a journal is that of the model itself, which the map does not change.
            #expect(server.pool.model(ofJournal: "b")?.name == "b")
        }
    }

    @Test func theDefaultsOfAModelApplyWithOllamasTag() async throws {
        try await PoolServer.run(change: {
            var defaults = CompletionDefaults()
            defaults.maximumTokens = 3
            $0.defaults = defaults
        }) { server async throws in
            for name in ["a", "a:latest"] {
                let (status, _) = try await server.send(
                    "POST", "/api/chat", body: #"{"model":"\#(name)",\#(Self.chat),"stream":false}"#)
                #expect(status == 200)
            }
            let engine = try #require(server.models.worker("a")?.fake)
            #expect(engine.requests.map(\.parameters.maximumTokens) == [3, 3])
        }
    }

    @Test func ollamasClientsListAndShowModelsThatAreNotLoaded() async throws {
        try await PoolServer.run(["a", "b"]) { server async throws in
            func names() async throws -> [JSONValue?] {
                try await server.send("GET", "/api/tags").json["models"]?.arrayValue?.map { $0["name"] } ?? []
            }
            #expect(try await names() == ["a", "b"])
            let shown = try await server.send("POST", "/api/show", body: #"{"model":"b:latest"}"#)
            #expect(shown.status == 200 && shown.json["capabilities"] == ["completion"])
            #expect(shown.json["details"]?["format"] == "gguf" && shown.json["model_info"] != nil)
            let pulled = try await server.send("POST", "/api/pull", body: #"{"model":"b:latest","stream":false}"#)
            #expect(pulled.json == ["status": "success"])
            #expect(try await server.send("POST", "/api/show", body: #"{"model":"zebra"}"#).status == 404)
            #expect(try await server.send("POST", "/api/pull", body: #"{"model":"zebra"}"#).status == 400)
            #expect(server.models.loads.isEmpty)
            #expect(try await server.chat("a").text == "a")
            #expect(try await names() == ["a", "b"])
        }
    }

    @Test func ollamasKeepAliveUnloads() async throws {
        try await PoolServer.run { server async throws in
            let body = #"{"model":"a:latest",\#(Self.chat),"stream":false,"keep_alive":0}"#
            let (status, json) = try await server.send("POST", "/api/chat", body: body)
            #expect(status == 200 && json["warnings"] == nil)
            while try await server.phase("a") != "unloaded" { await Task.yield() }
            // A request without a prompt unloads the model, and does not load it for that.
            let unload = #"{"model":"a","keep_alive":0}"#
            #expect(try await server.send("POST", "/api/generate", body: unload).json["done_reason"] == "unload")
            #expect(server.models.loads == ["a"])
            #expect(try await server.send("POST", "/api/chat", body: #"{"model":"a"}"#).json["done_reason"] == "load")
            #expect(try await server.phase("a") == "ready")
            #expect(try await server.send("POST", "/api/chat", body: unload).json["done_reason"] == "unload")
            while try await server.phase("a") != "unloaded" { await Task.yield() }
            #expect(server.models.loads == ["a", "a"])
        }
    }
}
