import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

@Suite struct ServerRoutesTests {
    @Test func healthServesGETAndHEAD() async throws {
        try await TestServer.run { server async throws in
            for path in ["/health", "/v1/health"] {
                #expect(try await server.send("GET", path).body == #"{"status":"ok"}"#)
                #expect(try await server.send("HEAD", path).head.status == 200)
            }
        }
    }

    @Test func everyResponseNamesItsRequest() async throws {
        try await TestServer.run { server async throws in
            let first = try await server.send("GET", "/health").head["x-request-id"]
            let second = try await server.send("GET", "/nothing").head["x-request-id"]
            #expect(first != nil && second != nil && first != second)
        }
    }

    @Test func modelsAndPropertiesDescribeTheModel() async throws {
        try await TestServer.run {
            $0.modelNames = ["bird", "martin"]
            $0.aliases = $0.modelNames
            $0.modelTags = ["small", "fast"]
        } body: { server async throws in
            for path in ["/v1/models", "/models"] {
                let model = try json(try await server.send("GET", path).body)["data"]?.arrayValue?.first
                #expect(model?["id"] == "bird")
                #expect(model?["aliases"] == ["bird", "martin"])
                #expect(model?["tags"] == ["small", "fast"])
                #expect(model?["meta"]?["n_vocab"] == 256)
            }
            let properties = try json(try await server.send("GET", "/props").body)
            #expect(properties["total_slots"] == 4)
            let marker = properties["media_marker"]?.stringValue ?? ""
            #expect(marker.hasPrefix("<__media_") && marker.hasSuffix("__>") && marker.utf8.count == 44)
            let information = ModelInformation.fake
            #expect(properties["n_ctx_per_sequence"] == .integer(Int64(information.sequenceContextLength)))
            #expect(properties["n_ctx_total"] == .integer(Int64(information.contextLength)))
            #expect(properties["model_alias"] == "bird")
            #expect(properties["chat_template"]?.stringValue == ModelInformation.fake.chatTemplate)
        }
    }

    @Test(arguments: ["bird", "martin", "Fake Model", "fake-model", ""])
    func aModelGoesByAllItsNames(name: String) async throws {
        try await TestServer.run(script: .complete(["a"])) {
            $0.modelNames = ["bird", "martin"]
        } body: { server async throws in
            let body = chat(stream: false, #","model":"\#(name)""#)
            #expect(try await server.send("POST", "/v1/chat/completions", body: body).head.status == 200)
        }
    }

    @Test func slotsShowTheEnginesSequences() async throws {
        try await TestServer.run { server async throws in
            var status = EngineStatus()
            var busy = SlotStatus(index: 0)
            busy.phase = .generating
            busy.promptTokens = 7
            status.slots = [busy]
            server.engine.setStatus(status)
            let slots = try json(try await server.send("GET", "/slots").body).arrayValue
            #expect(slots?.count == 1)
            #expect(slots?.first?["is_processing"] == true)
            #expect(slots?.first?["n_prompt_tokens"] == 7)
            #expect(try await server.send("GET", "/slots?fail_on_no_slot=1").head.status == 503)
        }
    }

    @Test func textAndTokensTurnIntoEachOther() async throws {
        try await TestServer.run { server async throws in
            let tokens = try await server.send("POST", "/tokenize", body: #"{"content":"hi"}"#).body
            #expect(tokens == #"{"tokens":[104,105]}"#)
            #expect(try await server.send("POST", "/detokenize", body: tokens).body == #"{"content":"hi"}"#)
            let prompt = try json(try await server.send("POST", "/apply-template", body: chat(stream: false)).body)
            #expect(prompt["prompt"] == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
        }
    }

    @Test func metricsCountRequestsAndAreNotResetByReading() async throws {
        try await TestServer.run { server async throws in
            var status = EngineStatus()
            status.counters.predictedTokens = 12
            server.engine.setStatus(status)
            _ = try await server.send("GET", "/nothing")
            _ = try await server.send("GET", "/health")
            for _ in 0..<2 {
                let (head, text) = try await server.send("GET", "/metrics")
                #expect(Int(head["process-start-time-unix"] ?? "") ?? 0 > 1_700_000_000)
                #expect(head["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
                #expect(
                    text.contains(
                        "# TYPE llamacpp:tokens_predicted_total counter\nllamacpp:tokens_predicted_total 12\n"))
                #expect(text.contains("# TYPE martlet_inter_token_seconds histogram\n"))
                #expect(text.contains(#"martlet_model_load_seconds_count{model="martlet"} 1"# + "\n"))
                #expect(text.contains(#"martlet_http_requests_total{method="GET",route="/health",status="200"} 1"#))
                #expect(text.contains(#"martlet_http_requests_total{method="GET",route="NotFound",status="404"} 1"#))
            }
        }
    }

    @Test func aClientThatExpectsContinueGetsContinue() async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let body = chat(stream: false)
            let connection = try await server.connect()
            try await connection.send(
                "POST", "/v1/chat/completions",
                headers: [("Expect", "100-continue"), ("Content-Length", "\(body.utf8.count)")])
            #expect(try await connection.readHead().status == 100)
            try await connection.send(body)
            #expect(try await connection.readHead().status == 200)
        }
    }
}
