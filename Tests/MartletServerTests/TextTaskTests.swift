import MartletAPI
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Reranking, infill and reports about fields, from HTTP to the engine.
@Suite struct TextTaskTests {
    private static let filler: EngineState = {
        var information = ModelInformation.fake
        information.infillTokens.numbers = [200, 201, 202, 203, 204, -1]
        information.batchSize = 512
        return .ready(information)
    }()

    private static let ranker: EngineState = {
        var information = ModelInformation.fake
        information.embeddingPooling = .rank
        information.rerankFormat = RerankFormat()
        information.rerankFormat?.between = [0]
        return .ready(information)
    }()

    private static let body = #"{"query":"q","documents":["a","bb","c"],"top_n":2}"#

    @Test(arguments: ["/rerank", "/v1/rerank", "/reranking", "/v1/reranking", "/v2/rerank"])
    func documentsAreRanked(path: String) async throws {
        try await TestServer.run(state: Self.ranker) { server async throws in
            let (head, body) = try await server.send("POST", path, body: Self.body)
            #expect(head.status == 200)
            // The engine of these tests scores by the number of tokens.
            #expect(
                try json(body)["results"] == [
                    ["index": 1, "relevance_score": 4.0], ["index": 0, "relevance_score": 3.0],
                ])
            #expect(try json(body)["usage"]?["prompt_tokens"] == 10)
        }
    }

    @Test(arguments: [(nil, "ranks no documents"), (EmbeddingPooling.mean, "pooling of this server is 'mean'")])
    func anotherModelNamesTheReason(pooling: EmbeddingPooling?, reason: String) async throws {
        var information = ModelInformation.fake
        information.embeddingPooling = pooling
        try await TestServer.run(state: .ready(information)) { server async throws in
            let (head, body) = try await server.send("POST", "/v1/rerank", body: Self.body)
            #expect(head.status == 400)
            let error = try json(body)["error"]
            #expect(error?["type"] == "not_supported_error")
            #expect(error?["message"]?.stringValue?.contains(reason) == true)
            #expect(error?["message"]?.stringValue?.contains("--reranking") == true)
        }
    }

    @Test func infillSendsTheTokensOfTheLayout() async throws {
        try await TestServer.run(state: Self.filler, script: .complete(["x"])) { server async throws in
            let (head, body) = try await server.send(
                "POST", "/infill",
                body:
                    #"{"input_prefix":"ab","input_suffix":"c","prompt":"d","input_extra":[{"text":"e","filename":"f"}]}"#
            )
            #expect(head.status == 200 && head["x-martlet-warnings"] == nil)
            #expect(try json(body)["content"] == "x")
            func bytes(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }
            let request = await server.engine.request(0)
            let files = [203] + bytes("myproject\n") + [204] + bytes("f\ne") + [204] + bytes("filename\n")
            #expect(request.prompt.pieces == [.tokens(files + [200, 97, 98, 100, 201, 99, 202])])
            #expect(!request.prompt.addsBeginning)
        }
    }

    @Test func theSuffixOfATextCompletionFillsTheGap() async throws {
        try await TestServer.run(state: Self.filler, script: .complete(["x"])) { server async throws in
            for (prompt, expected) in [
                (#""ab""#, [[200, 97, 98, 201, 99, 202]]),
                (#"["a","b"]"#, [[200, 97, 201, 99, 202], [200, 98, 201, 99, 202]]),
            ] as [(String, [[Int32]])] {
                let before = server.engine.requests.count
                let (head, body) = try await server.send(
                    "POST", "/v1/completions", body: #"{"prompt":\#(prompt),"suffix":"c","echo":true}"#)
                #expect(head.status == 200)
                let sent = server.engine.requests[before...].map(\.prompt.pieces)
                #expect(sent == expected.map { [.tokens($0)] })
                // The response repeats the client's prompt without the tokens of the layout.
                #expect(try json(body)["choices"]?.arrayValue?.first?["text"]?.stringValue?.hasPrefix("a") == true)
            }
            let scored = try await server.send(
                "POST", "/v1/completions", body: #"{"prompt":"a","suffix":"c","echo":true,"logprobs":1}"#)
            #expect(scored.head.status == 400)
        }
    }

    @Test(arguments: [
        ("/infill", #"{"input_prefix":"a","input_suffix":"b"}"#), ("/v1/completions", #"{"prompt":"a","suffix":"b"}"#),
    ])
    func aModelWithoutTheTokensIsRefusedByName(path: String, body: String) async throws {
        try await TestServer.run { server async throws in
            let (head, body) = try await server.send("POST", path, body: body)
            #expect(head.status == 400)
            let error = try json(body)["error"]
            #expect(error?["message"]?.stringValue?.contains("no token for prefix, suffix, middle") == true)
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test(arguments: [
        #"{"input_suffix":"b"}"#, #"{"input_prefix":"a"}"#, #"{"input_prefix":"a","input_suffix":"b","prompt":1}"#,
        #"{"input_prefix":"a","input_suffix":"b","temperature":"hot"}"#, "[]",
    ])
    func aBadInfillIsAClientsError(body: String) async throws {
        try await TestServer.run(state: Self.filler) { server async throws in
            #expect(try await server.send("POST", "/infill", body: body).head.status == 400)
        }
    }

    @Test func longTextsOfAnInfillAreCutWithAWarning() async throws {
        try await TestServer.run(state: Self.filler, script: .complete(["x"])) { server async throws in
            let long = String(repeating: "a", count: 1_000)
            let (head, _) = try await server.send(
                "POST", "/infill", body: #"{"input_prefix":"\#(long)","input_suffix":"b"}"#)
            #expect(head.status == 200)
            #expect(head["x-martlet-warnings"] == "input_prefix: only the last 384 of 1000 tokens are read")
        }
    }

    private static let requests = [
        ("/v1/chat/completions", #""messages":[{"role":"user","content":"hi"}]"#),
        ("/v1/completions", #""prompt":"a""#),
        ("/completion", #""prompt":"a""#), ("/v1/embeddings", #""input":"a""#),
        ("/v1/rerank", #""query":"q","documents":["d"]"#),
    ]

    @Test(arguments: [false, true]) func unknownFieldsAreReportedOrRefused(isStrict: Bool) async throws {
        try await TestServer.run(state: Self.ranker, script: .complete(["hi"])) {
            $0.completionDefaults.refusesUnknownFields = isStrict
        } body: { server async throws in
            for (path, fields) in Self.requests {
                let (head, body) = try await server.send("POST", path, body: #"{\#(fields),"modell":"x\u0001"}"#)
                #expect(head.status == (isStrict ? 400 : 200), "\(path): \(body)")
                let text = #""modell": unknown field; the nearest known field is "model""#
                if isStrict {
                    #expect(try json(body)["error"]?["param"] == "modell")
                } else {
                    #expect(head["x-martlet-warnings"] == text, "\(path)")
                }
                let known = try await server.send("POST", path, body: #"{\#(fields),"user":"me"}"#)
                #expect(known.head.status == 200 && known.head["x-martlet-warnings"] == nil, "\(path)")
            }
        }
    }
}
