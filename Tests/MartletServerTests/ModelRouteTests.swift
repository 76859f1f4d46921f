import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// The model by its names, and requests that name another.
@Suite struct ModelRouteTests {
    private static func named(_ configuration: inout ServerConfiguration) {
        configuration.modelNames = ["bird", "org/bird:tiny", "caf\u{E9}"]
        configuration.aliases = configuration.modelNames
    }

    @Test(arguments: [
        "bird", "org/bird:tiny", "org%2Fbird:tiny", "caf%C3%A9", "fake-file", "%62ird",
    ])
    func aModelIsListedUnderEachOfItsNames(name: String) async throws {
        var information = ModelInformation.fake
        information.path = "/models/fake-file.gguf"
        try await TestServer.run(state: .ready(information), configure: Self.named) { server async throws in
            let list = try json(try await server.send("GET", "/v1/models").body)
            for prefix in ["/v1/models/", "/models/", "//v1//models//"] {
                let (head, body) = try await server.send("GET", prefix + name)
                #expect(head.status == 200)
                #expect(try json(body) == list["data"]?.arrayValue?.first)
                #expect(try json(body)["id"] == "bird")
                #expect(try json(body)["aliases"] == ["bird", "org/bird:tiny", "caf\u{E9}"])
            }
        }
    }

    @Test(arguments: ["other", "Bird", "bird/x", "cafe%CC%81", "%zz", "org", "bird%00"])
    func anUnknownModelIsNotFound(name: String) async throws {
        try await TestServer.run(configure: Self.named) { server async throws in
            let (head, body) = try await server.send("GET", "/v1/models/\(name)")
            #expect(head.status == 404)
            let error = try json(body)["error"]
            #expect(error?["code"] == "model_not_found" && error?["param"] == "model")
            #expect(error?["type"] == "not_found_error" && error?["message"]?.stringValue?.contains(name) == true)
        }
    }

    @Test func aModelThatIsBeingLoadedIsNotThereYet() async throws {
        try await TestServer.run(state: .loading(LoadProgress(stage: .textModel, fraction: 0))) { server async throws in
            #expect(try await server.send("GET", "/v1/models/martlet").head.status == 503)
        }
    }

    private static let requests = [
        ("/v1/chat/completions", #""messages":[{"role":"user","content":"hi"}]"#),
        ("/v1/completions", #""prompt":"a""#),
        ("/completion", #""prompt":"a""#), ("/v1/embeddings", #""input":"a""#),
    ]

    @Test(arguments: [("gpt-4", true), ("cafe\u{301}", true), ("bird", false), ("caf\u{E9}", false), ("", false)])
    func anotherModelNameGetsAWarning(name: String, isWarned: Bool) async throws {
        var information = ModelInformation.fake
        information.embeddingPooling = .mean
        try await TestServer.run(state: .ready(information), script: .complete(["hi"]), configure: Self.named) {
            server async throws in
            for (path, fields) in Self.requests {
                for stream in path.contains("embed") ? [false] : [false, true] {
                    let (head, body) = try await server.send(
                        "POST", path, body: #"{"model":"\#(name)","stream":\#(stream),\#(fields)}"#)
                    #expect(head.status == 200)
                    #expect(!body.contains("gpt-4"))
                    if !stream { #expect(try json(body)["model"] == "bird") }
                    let warning = isWarned ? #"model: "\#(name)" is not served here; "bird" answers"# : nil
                    #expect(head["x-martlet-warnings"].map { Array($0.utf8) } == warning.map { Array($0.utf8) })
                }
            }
        }
    }

    @Test func aWarningIsOneLine() async throws {
        try await TestServer.run(script: .complete(["hi"])) { server async throws in
            let name = String(repeating: "x", count: 5_000)
            let (head, _) = try await server.send(
                "POST", "/v1/chat/completions", body: chat(stream: false, #","model":"a\r\nSet-Cookie: b\#(name)""#))
            #expect(head.status == 200 && head["set-cookie"] == nil)
            #expect(head["x-martlet-warnings"]?.hasPrefix(#"model: "a\r\nSet-Cookie: bxxx"#) == true)
            #expect(head["x-martlet-warnings"]?.utf8.count ?? 0 < 400)
        }
    }

    @Test func anotherModelNameIsRefusedWhereConfigured() async throws {
        var information = ModelInformation.fake
        information.embeddingPooling = .mean
        try await TestServer.run(state: .ready(information), script: .complete(["hi"])) {
            Self.named(&$0)
            $0.refusesOtherModelNames = true
        } body: { server async throws in
            for (path, fields) in Self.requests + [("/v1/chat/completions/input_tokens", Self.requests[0].1)] {
                let refused = try await server.send("POST", path, body: #"{"model":"gpt-4",\#(fields)}"#)
                #expect(refused.head.status == 404)
                #expect(try json(refused.body)["error"]?["code"] == "model_not_found")
                #expect(try json(refused.body)["error"]?["param"] == "model")
                let taken = try await server.send("POST", path, body: #"{"model":"org/bird:tiny",\#(fields)}"#)
                #expect(taken.head.status == 200 && taken.head["x-martlet-warnings"] == nil)
            }
        }
    }

    @Test func aChatIsCountedAsItWouldBeRead() async throws {
        try await TestServer.run { server async throws in
            for path in ["/v1/chat/completions/input_tokens", "/chat/completions/input_tokens"] {
                let body = chat(stream: true)
                let prompt = try json(try await server.send("POST", "/apply-template", body: body).body)["prompt"]
                let counted = try json(try await server.send("POST", path, body: body).body)
                #expect(counted["object"] == "response.input_tokens")
                // The engine of these tests makes one token of each byte.
                #expect(counted["input_tokens"]?.integerValue.map { Int($0) } == prompt?.stringValue?.utf8.count)
            }
            let wrong = try await server.send("POST", "/v1/chat/completions/input_tokens", body: "{}")
            #expect(wrong.head.status == 400)
            #expect(server.engine.requests.isEmpty)
        }
    }
}
