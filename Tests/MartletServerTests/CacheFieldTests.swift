import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

/// Fields about the KV cache and the queue, from the body of a request to the engine and back.
@Suite(.timeLimit(.minutes(15))) struct CacheFieldTests {
    /// Ends each request at once; its summary has a report if the request asks for one.
    private static let script = FakeEngine.Script { request in
        var timings = Timings()
        timings.promptTokens = 50
        timings.cachedTokens = 40
        timings.restoredTokens.ram = 30
        var summary = GenerationSummary(reason: .endOfGeneration, timings: timings)
        if request.parameters.cache.isExplained {
            var report = CacheReport(.differs, matchedTokens: 41, tier: .ram)
            report.difference = .init(index: 41, promptText: "Thu", cachedText: "Wed")
            summary.cacheReport = report
        }
        return [.admitted(promptTokens: 50), .started(slot: 0, cachedTokens: 40), .finished(summary, text: [])]
    }

    private static func post(
        _ fields: String, to path: String = "/v1/chat/completions", key: String? = nil, _ server: TestServer
    ) async throws -> (status: Int, body: JSONValue) {
        let prompt = path.contains("chat") ? #""messages":[{"role":"user","content":"hi"}]"# : #""prompt":"hi""#
        let headers = key.map { [("Authorization", "Bearer \($0)")] } ?? []
        let (head, text) = try await server.send("POST", path, headers: headers, body: "{\(prompt)\(fields)}")
        return (head.status, try json(text))
    }

    @Test func retentionAndReadingAreIndependent() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            let cases: [(String, CacheParameters.Retention, Bool)] = [
                ("", .normal, true), (#","cache":"none""#, .none, true), (#","cache":"pinned""#, .pinned, true),
                (#","cache":"none","cache_prompt":false"#, .none, false),
                (#","cache":"pinned","cache_prompt":false"#, .pinned, false), (#","cache":null"#, .normal, true),
            ]
            for (index, (fields, retention, reads)) in cases.enumerated() {
                #expect(try await Self.post(fields, server).status == 200)
                let parameters = await server.engine.request(index).parameters
                #expect(parameters.cache.retention == retention)
                #expect(parameters.reusesPrompt == reads)
            }
        }
    }

    @Test(arguments: [
        (#","cache":"forever""#, "cache"), (#","cache":true"#, "cache"), (#","priority":11"#, "priority"),
        (#","priority":-11"#, "priority"), (#","priority":"high""#, "priority"),
        (#","explain_cache":1"#, "explain_cache"),
        (#","prompt_cache_key":7"#, "prompt_cache_key"), (#","cache_prefix":{}"#, "cache_prefix"),
    ])
    func wrongValueIsRefusedByName(fields: String, name: String) async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            for path in ["/v1/chat/completions", "/v1/completions", "/completion"] {
                let (status, body) = try await Self.post(fields, to: path, server)
                #expect(status == 400)
                #expect(body["error"]?["param"]?.stringValue == name)
                #expect(body["error"]?["message"]?.stringValue?.contains("'\(name)'") == true)
            }
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func everyDialectExplainsTheReuse() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            for path in ["/v1/chat/completions", "/v1/completions", "/completion"] {
                let plain = try await Self.post("", to: path, server).body
                #expect(plain["timings"]?["cache"] == nil)
                let body = try await Self.post(#","explain_cache":true"#, to: path, server).body
                let report = body["timings"]?["cache"]
                #expect(report?["reused"] == 40)
                #expect(report?["tiers"] == ["kv": 10, "ram": 30, "disk": 0])
                #expect(report?["matched"] == 41 && report?["reason"] == "differs")
                #expect(report?["difference"] == ["index": 41, "prompt": "Thu", "cached": "Wed"])
                #expect(body["timings"]?["cache_n"] == 40)
                if path.hasPrefix("/v1") {
                    #expect(body["usage"]?["prompt_tokens_details"]?["cached_tokens"] == 40)
                }
            }
            let (connection, _) = try await server.stream(chat(stream: true, #","explain_cache":true"#))
            let last = try await connection.readEvents().last { $0.contains("\"timings\"") }
            #expect(last?.contains(#""difference":{"index":41"#) == true)
        }
    }

    @Test func markPinsItsMessageAndIsNotRendered() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            let body = #"""
                {"messages":[{"role":"system","content":[{"type":"text","text":"Rules",
                "cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"Hi"}]}
                """#
            #expect(try await server.send("POST", "/v1/chat/completions", body: body).head.status == 200)
            let request = await server.engine.request(0)
            #expect(request.parameters.cache.retention == .pinned)
            let text = request.prompt.text
            #expect(!text.contains("cache_control") && !text.contains("ephemeral"))
            let pins = request.prompt.boundaries.filter(\.isPinned)
            #expect(pins.count == 1)
            let rest = pins.first.map { pin -> String in
                let pieces = request.prompt.pieces.map { piece -> String in
                    if case .text(let text, _) = piece { text } else { "" }
                }
                return String(decoding: pieces[pin.piece].utf8.dropFirst(pin.offset), as: UTF8.self)
            }
            #expect(rest?.hasPrefix("<|im_start|>") == true)
        }
    }

    @Test(arguments: [
        (#"{"type":"forever"}"#, "cache_control.type"), (#"5"#, "cache_control.type"),
        (#"{"type":"ephemeral","ttl":"2h"}"#, "cache_control.ttl"),
    ])
    func wrongMarkIsRefused(mark: String, name: String) async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            let body =
                #"{"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":\#(mark)}]}]}"#
            let (head, text) = try await server.send("POST", "/v1/chat/completions", body: body)
            #expect(head.status == 400)
            #expect(try json(text)["error"]?["param"]?.stringValue == "messages[0].content[0].\(name)")
        }
    }

    @Test func marksAreLimitedAndExcludeCacheNone() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            let part = #"{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}"#
            let parts = Array(repeating: part, count: 5).joined(separator: ",")
            for (body, name) in [
                (#"{"messages":[{"role":"user","content":[\#(parts)]}]}"#, "cache_control"),
                (#"{"cache":"none","messages":[{"role":"user","content":[\#(part)]}]}"#, "cache"),
            ] {
                let (head, text) = try await server.send("POST", "/v1/chat/completions", body: body)
                #expect(head.status == 400)
                #expect(try json(text)["error"]?["param"]?.stringValue == name)
            }
        }
    }

    // MARK: Owners

    @Test func eachKeyHasItsOwnScope() async throws {
        try await TestServer.run(script: Self.script, configure: { $0.apiKeys = ["one", "two"] }) {
            server async throws in
            for key in ["one", "two", "one"] { _ = try await Self.post("", key: key, server) }
            let tenants = server.engine.requests.map(\.tenant)
            #expect(tenants[0] == tenants[2] && tenants[0] != tenants[1])
            #expect(tenants.allSatisfy { $0.cacheScope != 0 && $0.fairShare == $0.cacheScope })
        }
    }

    @Test func globalScopeHidesTheTextOfOtherKeys() async throws {
        try await TestServer.run(
            script: Self.script,
            configure: {
                $0.apiKeys = ["one", "two"]
                $0.cacheScope = .global
                $0.completionDefaults.showsCachedText = false
            }
        ) { server async throws in
            let body = try await Self.post(#","explain_cache":true"#, key: "one", server).body
            #expect(body["timings"]?["cache"]?["difference"] == ["index": 41, "prompt": "Thu"])
            _ = try await Self.post("", key: "two", server)
            let tenants = server.engine.requests.map(\.tenant)
            #expect(tenants[0].cacheScope == 0 && tenants[1].cacheScope == 0)
            #expect(tenants[0].fairShare != tenants[1].fairShare)
        }
    }

    @Test func serverWithoutKeysHasOneScope() async throws {
        try await TestServer.run(script: Self.script) { server async throws in
            _ = try await Self.post(#","priority":10"#, server)
            #expect(server.engine.requests[0].tenant == TenantKeys())
            #expect(server.engine.requests[0].parameters.priority == 10)
        }
    }

    @Test func priorityAboveZeroNeedsTheRight() async throws {
        try await TestServer.run(
            script: Self.script,
            configure: {
                $0.apiKeys = ["one", "two"]
                let (known, unknown) = ($0.apiKeys.allowPriority("two"), $0.apiKeys.allowPriority("three"))
                #expect(known && !unknown)
            }
        ) { server async throws in
            let refused = try await Self.post(#","priority":1"#, key: "one", server)
            #expect(refused.status == 403)
            #expect(refused.body["error"]?["param"] == "priority")
            #expect(refused.body["error"]?["type"] == "permission_error")
            #expect(try await Self.post(#","priority":-5"#, key: "one", server).status == 200)
            #expect(try await Self.post(#","priority":5"#, key: "two", server).status == 200)
            #expect(server.engine.requests.map(\.parameters.priority) == [-5, 5])
        }
    }

    @Test func waitingGenerationReportsItsPosition() async throws {
        let script = FakeEngine.Script { request in
            var progress = PromptProgress(total: 50, cached: 0, processed: 0, elapsed: .zero)
            progress.queuePosition = 3
            return [.admitted(promptTokens: 50), .promptProgress(progress)]
        }
        try await TestServer.run(script: script) { server async throws in
            let (connection, _) = try await server.stream(chat(stream: true, #","return_progress":true"#))
            let handle = await server.engine.request(0).handle
            server.engine.send([EngineEvent(handle, .started(slot: 0, cachedTokens: 0))])
            server.engine.finish(handle)
            let events = try await connection.readEvents()
            #expect(events.contains { $0.contains(#""queue_position":3"#) })
        }
    }
}
