import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

/// Routes of Messages and of stored responses: owners, states and forms of errors.
@Suite(.timeLimit(.minutes(15))) struct DialectRouteTests {
    private typealias Reply = (status: Int, body: JSONValue)

    private static func send(
        _ server: TestServer, _ method: String, _ path: String, _ body: String? = nil, key: String = "one"
    ) async throws -> Reply {
        try await server.reply(method, path, body, key: key)
    }

    private static func run(
        _ script: FakeEngine.Script, configure: (inout ServerConfiguration) -> Void = { _ in },
        body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(script: script) { configuration in
            configuration.apiKeys = ["one", "two"]
            configure(&configuration)
        } body: { server in
            try await body(server)
        }
    }

    @Test func aStoredResponseBelongsToItsKey() async throws {
        try await Self.run(.complete(["Hel", "lo"])) { server in
            let made = try await Self.send(server, "POST", "/v1/responses", #"{"input":"Hi"}"#)
            let id = made.body["id"]?.stringValue ?? ""
            #expect(made.status == 200 && made.body["status"] == "completed" && id.hasPrefix("resp_"))
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)").body == made.body)
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)", key: "two").status == 404)
            #expect(try await Self.send(server, "DELETE", "/v1/responses/\(id)", key: "two").status == 404)
            #expect(try await Self.send(server, "POST", "/v1/responses/\(id)/cancel").body == made.body)
            let items = try await Self.send(server, "GET", "/v1/responses/\(id)/input_items?order=asc")
            #expect(items.body["data"]?.arrayValue?[0]["content"]?.arrayValue?[0]["text"] == "Hi")
            let next = #"{"input":"More","previous_response_id":"\#(id)"}"#
            let chained = try await Self.send(server, "POST", "/v1/responses", next)
            #expect(chained.status == 200 && chained.body["previous_response_id"] == .string(id))
            let foreign = try await Self.send(server, "POST", "/v1/responses", next, key: "two")
            #expect(foreign.status == 400 && foreign.body["error"]?["code"] == "previous_response_not_found")
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)?starting_after=1").status == 400)
            let gone = try await Self.send(server, "DELETE", "/v1/responses/\(id)")
            #expect(gone.body == ["id": .string(id), "object": "response", "deleted": true])
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)").status == 404)
            #expect(try await Self.send(server, "POST", "/v1/responses", next).status == 400)
        }
    }

    @Test func aResponseThatIsTooOldIsGone() async throws {
        try await Self.run(.complete(["Hi"]), configure: { $0.responseTime = .zero }) { server in
            let made = try await Self.send(server, "POST", "/v1/responses", #"{"input":"Hi"}"#)
            let id = made.body["id"]?.stringValue ?? ""
            let next = #"{"input":"More","previous_response_id":"\#(id)"}"#
            #expect(try await Self.send(server, "POST", "/v1/responses", next).status == 400)
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)").status == 404)
        }
    }

    @Test func anEndedBackgroundResponseThatIsTooOldIsGone() async throws {
        try await Self.run(.complete(["Hi"]), configure: { $0.responseTime = .zero }) { server in
            let made = try await Self.send(server, "POST", "/v1/responses", #"{"input":"Hi","background":true}"#)
            let id = made.body["id"]?.stringValue ?? ""
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)").status == 404)
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)?stream=true").status == 404)
            #expect(try await Self.send(server, "GET", "/v1/generations/\(id)").status == 200)
        }
    }

    /// A client that has the last byte of a response finds it after the death of the server.
    @Test(arguments: [false, true]) func aResponseIsInItsFileBeforeItsEnd(streams: Bool) async throws {
        let folder = StateFolder()
        try await Self.run(.complete(["Hi"])) {
            $0.journal = JournalConfiguration(path: folder.path)
        } body: { server in
            for _ in 0..<5 {
                let (_, text) = try await server.send(
                    "POST", "/v1/responses", headers: [("Authorization", "Bearer one")],
                    body: #"{"input":"Hi","stream":\#(streams)}"#)
                let start = try #require(text.firstRange(of: #""resp_"#)).upperBound
                let digits = text[start...].prefix(32)
                #expect(folder.responses.contains("\(digits).json"))
            }
        }
    }

    /// The server before ended between the last record of the journal and the file.
    @Test func aResponseWithoutAFileIsMadeFromTheJournal() async throws {
        let folder = StateFolder()
        var id = ""
        try await Self.run(.complete(["Hi"])) {
            $0.journal = JournalConfiguration(path: folder.path)
        } body: { server in
            let body = #"{"input":"Hi","background":true,"stream":true}"#
            let (_, text) = try await server.send(
                "POST", "/v1/responses", headers: [("Authorization", "Bearer one")], body: body)
            let start = try #require(text.firstRange(of: #""resp_"#)).upperBound
            id = String(text[start...].prefix(32))
        }
        folder.removeResponses()
        #expect(!folder.files.isEmpty)
        try await Self.run(.hold) {
            $0.journal = JournalConfiguration(path: folder.path)
        } body: { server in
            let found = try await Self.send(server, "GET", "/v1/responses/resp_\(id)")
            #expect(found.status == 200 && found.body["status"] == "completed")
            while !folder.responses.contains("\(id).json") { await Task.yield() }
        }
    }

    @Test func anInputNamesStoredItems() async throws {
        try await Self.run(.complete(["Answer"])) { server in
            let made = try await Self.send(server, "POST", "/v1/responses", #"{"input":"Question"}"#)
            let id = made.body["id"]?.stringValue ?? ""
            let output = made.body["output"]?.arrayValue?[0]["id"]?.stringValue ?? ""
            let list = try await Self.send(server, "GET", "/v1/responses/\(id)/input_items")
            let input = list.body["data"]?.arrayValue?[0]["id"]?.stringValue ?? ""
            let body = #"""
                {"input":[{"type":"item_reference","id":"\#(input)"},{"type":"item_reference","id":"\#(output)"},
                {"role":"user","content":"More"}]}
                """#
            let next = try await Self.send(server, "POST", "/v1/responses", body)
            #expect(next.status == 200)
            let prompt = await server.engine.request(1).prompt.text
            #expect(prompt.contains("Question") && prompt.contains("Answer") && prompt.contains("More"))
            let foreign = try await Self.send(server, "POST", "/v1/responses", body, key: "two")
            #expect(foreign.status == 400 && foreign.body["error"]?["param"] == "input[0].id")
        }
    }

    @Test func storedChatCompletionsAreListedChangedAndDeleted() async throws {
        let path = "/v1/chat/completions"
        try await Self.run(.complete(["Hi"])) { server in
            var ids: [String] = []
            for index in 0..<3 {
                let body =
                    #"{"messages":[{"role":"user","content":"a\#(index)"}],"store":true,"metadata":{"k":"\#(index % 2)"},"service_tier":"auto"}"#
                let made = try await Self.send(server, "POST", path, body)
                #expect(made.status == 200 && made.body["service_tier"] == "default")
                ids.append(made.body["id"]?.stringValue ?? "")
            }
            _ = try await Self.send(server, "POST", path, chat(stream: false))
            let other = try await Self.send(server, "POST", path, chat(stream: false, #","store":true"#), key: "two")
            func list(_ query: String, key: String = "one") async throws -> [String?] {
                let reply = try await Self.send(server, "GET", path + query, key: key)
                #expect(reply.status == 200)
                return reply.body["data"]?.arrayValue?.map { $0["id"]?.stringValue } ?? []
            }
            #expect(try await list("") == ids)
            #expect(try await list("?order=desc&limit=2") == [ids[2], ids[1]])
            #expect(try await list("?after=\(ids[0])&limit=1") == [ids[1]])
            #expect(try await list("?metadata[k]=0") == [ids[0], ids[2]])
            #expect(try await list("?model=none") == [])
            #expect(try await list("", key: "two") == [other.body["id"]?.stringValue])
            let found = try await Self.send(server, "GET", path + "/" + ids[0])
            #expect(found.body["metadata"] == ["k": "0"] && found.body["object"] == "chat.completion")
            #expect(try await Self.send(server, "GET", path + "/" + ids[0], key: "two").status == 404)
            #expect(try await Self.send(server, "GET", "/v1/responses/" + ids[0]).status == 404)
            let messages = try await Self.send(server, "GET", path + "/\(ids[0])/messages")
            #expect(messages.body["data"]?.arrayValue?[0]["id"] == .string(ids[0] + "-0"))
            let changed = try await Self.send(server, "POST", path + "/" + ids[0], #"{"metadata":{"k":"5"}}"#)
            #expect(changed.status == 200 && changed.body["metadata"] == ["k": "5"])
            #expect(try await list("?metadata[k]=5") == [ids[0]])
            #expect(try await Self.send(server, "POST", path + "/" + ids[0], "{}").status == 400)
            #expect(try await Self.send(server, "GET", path + "?limit=0").status == 400)
            let gone = try await Self.send(server, "DELETE", path + "/" + ids[0])
            #expect(gone.body == ["object": "chat.completion.deleted", "id": .string(ids[0]), "deleted": true])
            #expect(try await Self.send(server, "GET", path + "/" + ids[0]).status == 404)
        }
    }

    @Test func aRunningResponseIsReadCancelledAndNotContinued() async throws {
        try await Self.run(.admit) { server in
            let body = #"{"input":"Hi","background":true}"#
            let made = try await Self.send(server, "POST", "/v1/responses", body)
            let id = made.body["id"]?.stringValue ?? ""
            #expect(made.status == 200 && ["queued", "in_progress"].contains(made.body["status"]?.stringValue))
            let state = try await Self.send(server, "GET", "/v1/responses/\(id)")
            #expect(state.status == 200 && state.body["output"] == [])
            let next = try await Self.send(
                server, "POST", "/v1/responses", #"{"input":"More","previous_response_id":"\#(id)"}"#)
            #expect(next.status == 409)
            let beyond = try await Self.send(server, "GET", "/v1/responses/\(id)?stream=true&starting_after=99")
            #expect(beyond.status == 400 && beyond.body["error"]?["param"] == "starting_after")
            let last = try await Self.send(
                server, "GET", "/v1/responses/\(id)?stream=true&starting_after=\(Int.max)")
            #expect(last.status == 400)
            let items = try await Self.send(server, "GET", "/v1/responses/\(id)/input_items")
            #expect(items.body["data"]?.arrayValue?.count == 1)
            let cancelled = try await Self.send(server, "POST", "/v1/responses/\(id)/cancel")
            #expect(cancelled.body["status"] == "cancelled")
            #expect(try await Self.send(server, "GET", "/v1/responses/\(id)").body == cancelled.body)
        }
    }

    @Test func errorsOfMessagesHaveAnthropicsForm() async throws {
        let body = #"{"max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}"#
        try await Self.run(.refuse(EngineError(.overloaded, "full"))) { server in
            let refused = try await Self.send(server, "POST", "/v1/messages", body)
            #expect(refused.status == 529 && refused.body["error"]?["type"] == "overloaded_error")
            let closed = try await Self.send(server, "POST", "/v1/messages?beta=true", body, key: "three")
            #expect(closed.status == 401 && closed.body["error"]?["type"] == "authentication_error")
            let method = try await Self.send(server, "GET", "/v1/messages")
            #expect(method.status == 405)
            let broken = try await Self.send(server, "POST", "/v1/messages/count_tokens", "{")
            #expect(broken.status == 400 && broken.body["type"] == "error")
        }
    }

    @Test func aMessageStreamsAndCounts() async throws {
        let body = #"{"max_tokens":5,"stream":true,"model":"claude-x","messages":[{"role":"user","content":"Hi"}]}"#
        try await Self.run(.complete(["Hé", "llo"])) { server in
            let (head, text) = try await server.send(
                "POST", "/v1/messages", headers: [("X-Api-Key", "two"), ("anthropic-version", "2023-06-01")], body: body
            )
            #expect(head.status == 200)
            let names = text.split(separator: "\n").filter { $0.hasPrefix("event: ") }.map { $0.dropFirst(7) }
            #expect(names.first == "message_start" && names.last == "message_stop")
            #expect(text.contains(#""text_delta","text":"Hé""#))
            let count = try await Self.send(
                server, "POST", "/v1/messages/count_tokens", #"{"messages":[{"role":"user","content":"Hi"}]}"#)
            #expect(count.status == 200 && (count.body["input_tokens"]?.integerValue ?? 0) > 0)
        }
    }
}
