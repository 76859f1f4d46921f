import Foundation
import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

/// Pinned prefixes over HTTP, with the real edge and an engine that only records.
@Suite(.timeLimit(.minutes(15))) struct PrefixTests {
    private static let messages = #""messages":[{"role":"system","content":"You are the agent X. Rules follow."}]"#

    /// Ends each request at once.
    private static let script = FakeEngine.Script { _ in
        [
            .admitted(promptTokens: 9), .started(slot: 0, cachedTokens: 0),
            .finished(GenerationSummary(reason: .tokenLimit, timings: Timings()), text: []),
        ]
    }

    private static func send(
        _ method: String, _ name: String = "", _ body: String? = nil, key: String? = nil, _ server: TestServer
    ) async throws -> (status: Int, body: JSONValue) {
        let headers = key.map { [("Authorization", "Bearer \($0)")] } ?? []
        let path = "/v1/prefixes" + (name.isEmpty ? "" : "/" + name)
        let (head, text) = try await server.send(method, path, headers: headers, body: body)
        return (head.status, try json(text))
    }

    private static func text(_ prompt: Prompt) -> String {
        prompt.pieces.map { if case .text(let text, _) = $0 { text } else { "" } }.joined()
    }

    @Test func prefixIsComputedOnceAndPinnedUpToItsEnd() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            let made = try await Self.send("PUT", "agent", "{\(Self.messages)}", server)
            #expect(made.status == 201)
            #expect(made.body["object"] == "prefix" && made.body["name"] == "agent" && made.body["state"] == "ready")
            let request = await server.engine.request(0)
            #expect(request.parameters.maximumTokens == 0)
            #expect(request.parameters.cache.retention == .pinned)
            #expect(request.parameters.cache.prefix != nil)
            #expect(request.prompt.boundaries.last?.isPinned == true)
            // The prefix is the beginning of every conversation with this system message.
            let chat = #"{\#(Self.messages.dropLast()),{"role":"user","content":"Hi"}]}"#
            #expect(try await server.send("POST", "/v1/chat/completions", body: chat).head.status == 200)
            let conversation = Self.text(await server.engine.request(1).prompt)
            let prefix = Self.text(request.prompt)
            #expect(conversation.hasPrefix(prefix) && prefix.hasSuffix("<|im_start|>user\n"))
            // A second definition replaces the first.
            #expect(try await Self.send("PUT", "agent", #"{"prompt":"Once upon"}"#, server).status == 200)
            #expect(server.engine.unpinned == [request.parameters.cache.prefix])
            let replacement = await server.engine.request(2)
            #expect(Self.text(replacement.prompt) == "Once upon")
        }
    }

    @Test func requestsNameAPrefix() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            _ = try await Self.send("PUT", "agent", "{\(Self.messages)}", server)
            let id = await server.engine.request(0).parameters.cache.prefix
            for (fields, prefix, status) in [
                (#","cache_prefix":"agent""#, id, 200), (#","prompt_cache_key":"agent""#, id, 200),
                (#","prompt_cache_key":"other""#, nil, 200), ("", nil, 200), (#","cache_prefix":"other""#, nil, 404),
            ] as [(String, PinnedPrefixID?, Int)] {
                let (head, text) = try await server.send(
                    "POST", "/v1/chat/completions", body: chat(stream: false, fields))
                #expect(head.status == status)
                if status == 200 {
                    #expect(server.engine.requests.last?.parameters.cache.prefix == prefix)
                } else {
                    #expect(try json(text)["error"]?["param"] == "cache_prefix")
                }
            }
        }
    }

    @Test func listShowsTheEnginesFigures() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            _ = try await Self.send("PUT", "one", #"{"prompt":"abc"}"#, server)
            let id = try #require(await server.engine.request(0).parameters.cache.prefix)
            var status = EngineStatus()
            var prefix = PinnedPrefixStatus(id)
            (prefix.byteCount, prefix.tier, prefix.hits, prefix.idleTime) = (4_096, .ram, 7, .seconds(60))
            status.cache.prefixes = [prefix]
            server.engine.setStatus(status)
            let list = try await Self.send("GET", "", nil, server).body
            let entry = list["data"]?.arrayValue?.first
            #expect(entry?["name"] == "one" && entry?["bytes"] == 4_096 && entry?["tier"] == "ram")
            #expect(entry?["hits"] == 7)
            let lastUsed = try #require(entry?["last_used"]?.integerValue)
            #expect(abs(Int64(Date().timeIntervalSince1970) - 60 - lastUsed) < 30)
            #expect(list["max_tokens"] == 65_536)
            #expect(try await Self.send("GET", "one", nil, server).body == entry)
        }
    }

    @Test func prefixOfAnotherKeyDoesNotExist() async throws {
        try await TestServer.run(script: Self.script, configure: { $0.apiKeys = ["one", "two"] }) {
            server async throws in
            #expect(try await Self.send("PUT", "x", #"{"prompt":"abc"}"#, key: "one", server).status == 201)
            for method in ["GET", "DELETE"] {
                #expect(try await Self.send(method, "x", nil, key: "two", server).status == 404)
            }
            #expect(try await Self.send("GET", "", nil, key: "two", server).body["data"] == [])
            // The same name is another prefix.
            #expect(try await Self.send("PUT", "x", #"{"prompt":"def"}"#, key: "two", server).status == 201)
            #expect(server.engine.unpinned.isEmpty)
            let tenants = server.engine.requests.map(\.tenant)
            #expect(tenants[0] != tenants[1])
            #expect(try await Self.send("DELETE", "x", nil, key: "one", server).body["deleted"] == true)
            #expect(try await Self.send("GET", "x", nil, key: "two", server).status == 200)
        }
    }

    @Test(
        arguments: [
            (#"{}"#, 400, "messages"), (#"{"prompt":"a","messages":[]}"#, 400, "prompt"),
            (#"{"prompt":7}"#, 400, "prompt"),
            (#"{"messages":[]}"#, 400, "messages"), (#"[]"#, 400, nil), (#"{"prompt":"#, 400, nil),
            (#"{"messages":[{"role":"king","content":"x"}]}"#, 400, "messages[0].role"),
        ] as [(String, Int, String?)])
    func wrongDefinitionIsRefused(body: String, status: Int, parameter: String?) async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            let reply = try await Self.send("PUT", "x", body, server)
            #expect(reply.status == status)
            if let parameter { #expect(reply.body["error"]?["param"]?.stringValue == parameter) }
            #expect(server.engine.requests.isEmpty)
            #expect(try await Self.send("GET", "", nil, server).body["data"] == [])
        }
    }

    @Test func wrongNamesAreRefused() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            for name in ["%", "%0A", "%FF", String(repeating: "x", count: 257)] {
                #expect(try await Self.send("PUT", name, #"{"prompt":"a"}"#, server).status == 400, "\(name)")
            }
            #expect(try await Self.send("PUT", "%C3%A4%20%2F", #"{"prompt":"a"}"#, server).body["name"] == "ä /")
            #expect(try await Self.send("DELETE", "y", nil, server).status == 404)
        }
    }

    @Test func quotaCountsAllPrefixesOfAKey() async throws {
        try await TestServer.run(script: Self.script, configure: { $0.limits.pinnedTokens = 10 }) {
            server async throws in
            // The fake engine has one token per byte.
            #expect(try await Self.send("PUT", "a", #"{"prompt":"123456"}"#, server).status == 201)
            let refused = try await Self.send("PUT", "b", #"{"prompt":"12345"}"#, server)
            #expect(refused.status == 429)
            #expect(refused.body["error"]?["message"]?.stringValue?.contains("--max-pinned-tokens") == true)
            #expect(try await Self.send("PUT", "a", #"{"prompt":"1234567890"}"#, server).status == 200)
            #expect(try await Self.send("PUT", "a", #"{"prompt":"12345678901"}"#, server).status == 429)
            #expect(try await Self.send("GET", "a", nil, server).body["tokens"] == 10)
        }
    }

    @Test func refusalOfTheEngineLeavesNoPrefix() async throws {
        let script = FakeEngine.Script { _ in
            [.failed(EngineError(.contextExceeded, "too long", promptTokens: 9, contextSize: 8))]
        }
        try await TestServer.run(script: script) { server async throws in
            let reply = try await Self.send("PUT", "x", #"{"prompt":"abc"}"#, server)
            #expect(reply.status == 400)
            #expect(reply.body["error"]?["type"] == "exceed_context_size_error")
            #expect(try await Self.send("GET", "x", nil, server).status == 404)
            #expect(server.engine.unpinned.count == 1)
        }
    }

    @Test func prefixIsComputedAgainByEachNewEngine() async throws {
        let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0.5))
        let folder = StateFolder()
        defer { withExtendedLifetime(folder) {} }
        let configure = { (configuration: inout ServerConfiguration) in
            configuration.journal = JournalConfiguration(path: folder.path)
        }
        var id: PinnedPrefixID?
        try await TestServer.run(script: Self.script, configure: configure) { server async throws in
            #expect(try await Self.send("PUT", "a", "{\(Self.messages)}", server).status == 201)
            #expect(try await Self.send("PUT", "b", #"{"prompt":"abc"}"#, server).status == 201)
            #expect(try await Self.send("DELETE", "b", nil, server).status == 200)
            id = await server.engine.request(0).parameters.cache.prefix
            // The worker dies and a new one is ready.
            server.engine.change(to: .restarting(EngineError(.engineLost, "it died")))
            server.engine.change(to: .ready(.fake))
            let again = await server.engine.request(2)
            #expect(again.parameters.cache.prefix == id)
        }
        // The next server has the prefix that was not deleted.
        try await TestServer.run(state: loading, script: Self.script, configure: configure) { server async throws in
            let listed = try await Self.send("GET", "a", nil, server).body
            #expect(listed["state"] == "computing" && listed["tier"] == nil)
            #expect(try await Self.send("GET", "b", nil, server).status == 404)
            server.engine.change(to: .ready(.fake))
            let request = await server.engine.request(0)
            #expect(request.parameters.cache.prefix == id && request.parameters.cache.retention == .pinned)
            let (head, _) = try await server.send(
                "POST", "/v1/chat/completions", body: chat(stream: false, #","cache_prefix":"a""#))
            #expect(head.status == 200)
        }
    }

    @Test func loadingModelRefusesNewPrefixes() async throws {
        let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0.5))
        try await TestServer.run(state: loading, script: Self.script) { server async throws in
            #expect(try await Self.send("PUT", "a", #"{"prompt":"abc"}"#, server).status == 503)
        }
    }
}
