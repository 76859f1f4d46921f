import MartletAPI
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Facts about the request in responses: the prompt, the settings and the omitted values.
@Suite struct RequestFactsTests {
    private static let unknown = #","logit_bias":[[5,1],[256,1],[99999,false]]"#
    private static let routes: [(path: String, body: @Sendable (Bool, String) -> String)] = [
        ("/v1/chat/completions", { chat(stream: $0, $1) }),
        ("/v1/completions", { #"{"prompt":"once","stream":\#($0)\#($1)}"# }),
        ("/completion", { #"{"prompt":"once","stream":\#($0)\#($1)}"# }),
    ]

    @Test(arguments: routes.indices) func tokensThatTheModelLacksAreOmittedWithAWarning(index: Int) async throws {
        let (path, body) = Self.routes[index]
        try await TestServer.run(script: .complete(["a", "b"])) { server async throws in
            let (head, text) = try await server.send("POST", path, body: body(false, Self.unknown + #","n":2"#))
            #expect(head.status == 200)
            let object = try json(text)
            let warnings = object["warnings"] ?? object.arrayValue?.first?["warnings"]
            #expect(warnings?.arrayValue?.count == 1)
            #expect(warnings?.arrayValue?.first?.stringValue?.contains("256, 99999") == true)
            #expect(await server.engine.request(0).parameters.sampling.logitBiases == [LogitBias(.token(5), bias: 1)])
            let stream = try await server.send("POST", path, body: body(true, Self.unknown))
            #expect(stream.body.ranges(of: "256, 99999").count == 1)
            let without = try await server.send("POST", path, body: body(true, #","logit_bias":[[5,1]]"#))
            #expect(!without.body.contains("warnings"))
        }
    }

    @Test func samplersThatNoLongerExistAreOmittedWithAWarning() async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let body = chat(stream: false, #","samplers":["top_k","tfs_z"]"#)
            let (head, text) = try await server.send("POST", "/v1/chat/completions", body: body)
            #expect(head.status == 200)
            #expect(try json(text)["warnings"]?.arrayValue?.first?.stringValue?.contains("tfs_z") == true)
            #expect(await server.engine.request(0).parameters.sampling.samplers == [.topK])
        }
    }

    @Test func aVerboseChatReportsItsPrompt() async throws {
        let prompt = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let body = chat(stream: false, #","verbose":true"#)
            let (_, text) = try await server.send("POST", "/v1/chat/completions", body: body)
            #expect(try json(text)["__verbose"]?["prompt"]?.stringValue == prompt)
            let (connection, _) = try await server.stream(chat(stream: true, #","verbose":true"#))
            let events = try await connection.readEvents()
            let end = try #require(events.dropLast().last)
            #expect(try json(String(end.dropFirst(6)))["__verbose"]?["prompt"]?.stringValue == prompt)
        }
    }

    @Test func theServersDefaultOfVerboseHolds() async throws {
        try await TestServer.run(script: .complete(["a"])) {
            $0.completionDefaults.isVerbose = true
        } body: {
            server async throws in
            for (fields, isReported) in [("", true), (#","verbose":false"#, false)] {
                let body = chat(stream: false, fields)
                let (_, text) = try await server.send("POST", "/v1/chat/completions", body: body)
                #expect((try json(text)["__verbose"] != nil) == isReported)
            }
        }
    }

    @Test func ignoredEndTokensOfTheModelAreReported() async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let (_, text) = try await server.send(
                "POST", "/completion", body: #"{"prompt":"once","ignore_eos":true}"#)
            let settings = try json(text)["generation_settings"]
            #expect(settings?["logit_bias"] == [["token": 2, "bias": .null]])
        }
    }
}
