import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Stored conversations: owners, items, and the responses that belong to them.
@Suite(.timeLimit(.minutes(15))) struct ConversationRouteTests {
    private typealias Reply = (status: Int, body: JSONValue)

    private static func send(
        _ server: TestServer, _ method: String, _ path: String, _ body: String? = nil, key: String = "one"
    ) async throws -> Reply {
        try await server.reply(method, path, body, key: key)
    }

    private static func texts(_ items: JSONValue) -> [String?] {
        (items["data"]?.arrayValue ?? []).map {
            $0["content"]?.stringValue ?? $0["content"]?.arrayValue?.first?["text"]?.stringValue
        }
    }

    @Test func responsesContinueAConversationAndAddToIt() async throws {
        let folder = StateFolder()
        func run(_ body: (TestServer) async throws -> Void) async throws {
            try await TestServer.run(script: .complete(["Answer"])) {
                $0.apiKeys = ["one", "two"]
                $0.journal = JournalConfiguration(path: folder.path)
            } body: { server in
                try await body(server)
            }
        }
        var saved = ""
        try await run { server in
            let body = #"{"metadata":{"a":"b"},"items":[{"role":"user","content":"Begin"}]}"#
            let made = try await Self.send(server, "POST", "/v1/conversations", body)
            let id = made.body["id"]?.stringValue ?? ""
            saved = id
            #expect(made.status == 200 && id.hasPrefix("conv_") && made.body["metadata"] == ["a": "b"])
            for (question, more) in [
                ("One", ""), ("Two", #","background":true,"stream":true"#), ("Three", #","store":false"#),
            ] {
                let request = #"{"input":"\#(question)","conversation":{"id":"\#(id)"}\#(more)}"#
                let (head, _) = try await server.send(
                    "POST", "/v1/responses", headers: [("Authorization", "Bearer one")], body: request)
                #expect(head.status == 200)
            }
            let last = await server.engine.request(2).prompt.text
            for text in ["Begin", "One", "Two", "Three"] { #expect(last.contains(text)) }
            let items = try await Self.send(server, "GET", "/v1/conversations/\(id)/items?order=asc")
            #expect(Self.texts(items.body) == ["Begin", "One", "Answer", "Two", "Answer", "Three", "Answer"])
            let both = #"{"input":"x","conversation":"\#(id)","previous_response_id":"resp_1"}"#
            #expect(try await Self.send(server, "POST", "/v1/responses", both).status == 400)
            let foreign = #"{"input":"x","conversation":"\#(id)"}"#
            #expect(try await Self.send(server, "POST", "/v1/responses", foreign, key: "two").status == 404)
            #expect(try await Self.send(server, "GET", "/v1/conversations/\(id)", key: "two").status == 404)
        }
        // The next server has the same conversation, and adds no response twice.
        try await run { server in
            let id = saved
            let items = try await Self.send(server, "GET", "/v1/conversations/\(id)/items?order=asc")
            #expect(Self.texts(items.body).count == 7)
            let found = try await Self.send(server, "GET", "/v1/conversations/\(id)")
            #expect(found.body["metadata"] == ["a": "b"])
        }
    }

    /// A summary of a chain, and a chat that goes on from it.
    @Test func aConversationIsCompacted() async throws {
        try await TestServer.run(script: .complete(["Sum", "mary"])) { server in
            let first = try await Self.send(server, "POST", "/v1/responses", #"{"input":"One"}"#)
            let id = first.body["id"]?.stringValue ?? ""
            let compacted = try await Self.send(
                server, "POST", "/v1/responses/compact",
                #"{"model":"m","input":"Two","previous_response_id":"\#(id)"}"#)
            #expect(compacted.status == 200 && compacted.body["object"] == "response.compaction")
            let output = compacted.body["output"]?.arrayValue ?? []
            #expect(output.map { $0["type"] } == ["message", "message", "compaction"])
            #expect(await server.engine.request(1).prompt.text.contains("Summarize the conversation above"))
            let input = JSONValue.array(output + [["role": "user", "content": "Three"]])
            let body = JSONValue.object(["input": input])
            #expect(
                try await Self.send(server, "POST", "/v1/responses", String(decoding: body.bytes, as: UTF8.self)).status
                    == 200)
            let prompt = await server.engine.request(2).prompt.text
            for text in ["One", "Two", "Summary", "Three"] { #expect(prompt.contains(text)) }
            for (path, body) in [
                ("/v1/responses/compact", #"{"input":"a","stream":true}"#), ("/responses/compact", "{}"),
                ("/v1/responses/compact", #"{"input":"a","previous_response_id":"resp_1"}"#),
            ] {
                #expect(try await Self.send(server, "POST", path, body).status == 400, "\(body)")
            }
        }
    }

    @Test func itemsAreAddedReadAndRemoved() async throws {
        try await TestServer.run { server in
            let made = try await Self.send(server, "POST", "/v1/conversations")
            let path = "/v1/conversations/\(made.body["id"]?.stringValue ?? "")"
            let added = try await Self.send(
                server, "POST", path + "/items",
                #"{"items":[{"role":"user","content":"a"},{"id":"x","role":"user","content":"b"}]}"#)
            #expect(added.status == 200 && added.body["data"]?.arrayValue?.count == 2)
            #expect(try await Self.send(server, "GET", path + "/items/x").body["content"] == "b")
            #expect(try await Self.send(server, "GET", path + "/items/y").status == 404)
            #expect(Self.texts(try await Self.send(server, "GET", path + "/items?limit=1").body) == ["b"])
            for body in [
                "{}", #"{"items":[5]}"#, #"{"items":[{"type":"none"}]}"#,
                #"{"items":[{"id":"x","role":"user","content":"c"}]}"#,
                #"{"items":[{"type":"function_call_output","call_id":"c","output":"x"}]}"#, #"{"items":5}"#,
            ] {
                #expect(
                    (400...422).contains(try await Self.send(server, "POST", path + "/items", body).status), "\(body)")
            }
            #expect(try await Self.send(server, "DELETE", path + "/items/x").body["object"] == "conversation")
            #expect(Self.texts(try await Self.send(server, "GET", path + "/items").body) == ["a"])
            let changed = try await Self.send(server, "POST", path, #"{"metadata":{"k":"v"}}"#)
            #expect(changed.body["metadata"] == ["k": "v"])
            #expect(try await Self.send(server, "POST", path, #"{"metadata":{"k":5}}"#).status == 400)
            #expect(try await Self.send(server, "DELETE", path).body["deleted"] == true)
            #expect(try await Self.send(server, "GET", path).status == 404)
            #expect(try await Self.send(server, "DELETE", path).status == 404)
            #expect(try await Self.send(server, "POST", "/v1/conversations", #"{"metadata":{"k":5}}"#).status == 400)
        }
    }
}
