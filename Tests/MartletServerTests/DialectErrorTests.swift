import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Bad input of every dialect over HTTP: the status, the form of the error, and the field that its message names.
@Suite(.timeLimit(.minutes(15))) struct DialectErrorTests {
    /// A request, and the text that the message contains. Its status is 400.
    struct Case: Sendable, CustomTestStringConvertible {
        var kind: CompletionKind
        var body: String
        var names: String
        var testDescription: String { "\(kind) \(body.prefix(80))" }
    }

    /// 300 tools in the form of a dialect.
    private static func tools(_ kind: CompletionKind) -> String {
        let tools = (0..<300).map { index in
            switch kind {
            case .messages: #"{"name":"tool_\#(index)","input_schema":{"type":"object"}}"#
            case .responses: #"{"type":"function","name":"tool_\#(index)","parameters":{"type":"object"}}"#
            default: #"{"type":"function","function":{"name":"tool_\#(index)","parameters":{"type":"object"}}}"#
            }
        }
        return #","tools":[\#(tools.joined(separator: ","))]"#
    }

    private static let all = Dialect.all.map(\.kind)

    /// Mistakes that every dialect has a rule for.
    private static let shared: [Case] = all.flatMap { kind -> [Case] in
        let limit =
            switch kind {
            case .responses: "max_output_tokens"
            case .native: "n_predict"
            case .ollamaChat, .ollamaGenerate: "options"
            default: "max_tokens"
            }
        let sampling = kind == .ollamaChat || kind == .ollamaGenerate
        return [
            Case(kind: kind, body: "", names: "JSON"), Case(kind: kind, body: "{", names: "JSON"),
            Case(kind: kind, body: "[]", names: "object"), Case(kind: kind, body: "\u{FEFF}{}x", names: "JSON"),
            Case(kind: kind, body: DialectSample.body(kind, #","stream":"yes""#), names: "stream"),
            Case(kind: kind, body: DialectSample.body(kind, #","model":5"#), names: "model"),
            Case(kind: kind, body: DialectSample.body(kind, ",\"\(limit)\":[1]"), names: limit),
            Case(
                kind: kind,
                body: DialectSample.body(
                    kind, sampling ? #","options":{"temperature":"hot"}"# : #","temperature":"hot""#),
                names: "temperature"),
        ]
    }

    private static let chat: [Case] = [
        #"{}"#: "messages", #"{"messages":[]}"#: "messages", #"{"messages":{}}"#: "messages",
        #"{"messages":[5]}"#: "messages[0]", #"{"messages":[{"content":"x"}]}"#: "role",
        #"{"messages":[{"role":"user","content":[{"type":"smell"}]}]}"#: "smell",
        #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%%"}}]}]}"#:
            "image_url",
    ].map { Case(kind: .chat, body: $0.key, names: $0.value) }

    private static let messages: [Case] = [
        #"{"messages":[{"role":"user","content":"Hi"}]}"#: "max_tokens", #"{"max_tokens":5}"#: "messages",
        #"{"max_tokens":5,"messages":[]}"#: "messages",
        #"{"max_tokens":5,"messages":[{"role":"assistant","content":"x"}]}"#: "messages[0].role",
        #"{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"poem"}]}]}"#: "messages[0].content[0].type",
        #"{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#:
            "tool_use_id",
        #"{"max_tokens":5,"thinking":{"type":"enabled","budget_tokens":5},"messages":[{"role":"user","content":"a"}]}"#:
            "budget_tokens",
        #"{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"%%"}}]}]}"#:
            "messages[0].content[0].type",
    ].map { Case(kind: .messages, body: $0.key, names: $0.value) }

    private static let responses: [Case] = [
        "{}": "input", #"{"input":[]}"#: "input", #"{"input":5}"#: "input", #"{"input":[5]}"#: "input[0]",
        #"{"input":[{"type":"poem"}]}"#: "input[0].type",
        #"{"input":[{"type":"function_call_output","call_id":"c","output":"x"}]}"#: "input[0].call_id",
        #"{"input":[{"type":"function_call","call_id":"c","name":"f"},{"type":"function_call","call_id":"c","name":"f"}]}"#:
            "input[1].call_id",
        #"{"input":"a","previous_response_id":"resp_0"}"#: "previous_response_id",
        #"{"input":"a","previous_response_id":5}"#: "previous_response_id",
        #"{"input":"a","background":true,"store":false}"#: "store",
        #"{"input":[{"type":"item_reference","id":"msg_0"}]}"#: "input[0].id",
        #"{"input":[{"type":"compaction","encrypted_content":5}]}"#: "input[0].encrypted_content",
        #"{"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,%%"}]}]}"#:
            "input[0].content[0].type",
    ].map { Case(kind: .responses, body: $0.key, names: $0.value) }

    private static let texts: [Case] = [
        Case(kind: .text, body: "{}", names: "prompt"), Case(kind: .text, body: #"{"prompt":{}}"#, names: "prompt"),
        Case(kind: .text, body: #"{"prompt":[[true]]}"#, names: "prompt"),
        Case(kind: .native, body: "{}", names: "prompt"),
        Case(kind: .native, body: #"{"prompt":{"prompt_string":5}}"#, names: "prompt"),
        Case(kind: .ollamaGenerate, body: #"{"prompt":[]}"#, names: "prompt"),
        Case(kind: .ollamaGenerate, body: #"{"prompt":"a","images":["%%"]}"#, names: "images"),
        Case(kind: .ollamaChat, body: #"{"messages":{}}"#, names: "messages"),
        Case(kind: .ollamaChat, body: #"{"messages":[{"role":"king","content":"x"}]}"#, names: "messages[0].role"),
        Case(
            kind: .ollamaChat, body: #"{"messages":[{"role":"user","content":"x","images":["%%"]}]}"#,
            names: "messages[0].images"),
        Case(kind: .ollamaChat, body: DialectSample.body(.ollamaChat, #","format":"yaml""#), names: "format"),
        Case(kind: .ollamaChat, body: DialectSample.body(.ollamaChat, #","tools":{}"#), names: "tools"),
    ]

    static let cases = shared + chat + messages + responses + texts

    /// The message of an error; nil if the body has not the dialect's form.
    private static func message(_ kind: CompletionKind, _ body: JSONValue, status: Int) -> String? {
        switch kind {
        case .ollamaChat, .ollamaGenerate: return body["error"]?.stringValue
        case .messages:
            guard body["type"] == "error", body["error"]?["type"] == "invalid_request_error" else { return nil }
        case .chat, .text, .native, .responses:
            // The code is the status, or a word that programs compare.
            let code = body["error"]?["code"]
            guard code == .integer(Int64(status)) || code?.stringValue != nil,
                body["error"]?["type"]?.stringValue != nil
            else { return nil }
        }
        return body["error"]?["message"]?.stringValue
    }

    @Test func eachMistakeIsNamedInTheFormOfItsDialect() async throws {
        try await TestServer.run(script: .complete(["Hi"])) { server async throws in
            for test in Self.cases {
                let (head, text) = try await server.send("POST", DialectSample.path(test.kind), body: test.body)
                #expect(head.status == 400, "\(test.testDescription): \(text)")
                let message = Self.message(test.kind, try json(text), status: head.status)
                #expect(message?.contains(test.names) == true, "\(test.testDescription): \(text)")
            }
            #expect(server.engine.requests.isEmpty)
        }
    }

    /// Over a WebSocket the errors of Responses are those of HTTP, and the connection stays open.
    @Test func aWebSocketHasTheSameErrors() async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            #expect(try await connection.upgrade("/v1/responses").status == 101)
            for test in Self.responses {
                let (_, text) = try await server.send("POST", "/v1/responses", body: test.body)
                let message = test.body.replacing("{", with: #"{"type":"response.create","#, maxReplacements: 1)
                    .replacing(",}", with: "}")
                if test.body.contains("background") { continue }
                try await connection.sendMessage(message)
                let event = try json(try await connection.readMessage())
                #expect(event["type"] == "error" && event["status"] == 400, "\(test.testDescription)")
                #expect(event["error"] == (try json(text))["error"], "\(test.testDescription)")
            }
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func manyToolsAreServed() async throws {
        try await TestServer.run(script: .complete(["Hi"])) { server async throws in
            for kind in [CompletionKind.chat, .messages, .responses, .ollamaChat] {
                let body = DialectSample.body(kind, Self.tools(kind) + #","stream":false"#)
                let (head, text) = try await server.send("POST", DialectSample.path(kind), body: body)
                #expect(head.status == 200, "\(kind): \(text.prefix(200))")
            }
        }
    }

    /// Identifiers of other owners, of running responses and of events that do not exist.
    @Test func identifiersThatNothingHasAreRefused() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one", "two"]
        } body: { server async throws in
            let (_, made) = try await server.reply(
                "POST", "/v1/responses", #"{"input":"a","background":true}"#, key: "one")
            let id = try #require(made["id"]?.stringValue)
            let next = #"{"input":"b","previous_response_id":"\#(id)"}"#
            let (running, problem) = try await server.reply("POST", "/v1/responses", next, key: "one")
            #expect(running == 409 && problem["error"]?["param"] == "previous_response_id")
            #expect(try await server.reply("POST", "/v1/responses", next, key: "two").0 == 400)
            server.engine.finish(await server.engine.request(0).handle)
            for query in ["stream=true&starting_after=100000", "stream=true&starting_after=x", "starting_after=1"] {
                #expect(try await server.reply("GET", "/v1/responses/\(id)?\(query)", key: "one").0 == 400, "\(query)")
            }
            for (method, path) in [
                ("GET", "/v1/responses/resp_0"), ("DELETE", "/v1/responses/resp_0"),
                ("POST", "/v1/responses/resp_0/cancel"), ("GET", "/v1/responses/resp_0/input_items"),
                ("GET", "/v1/chat/completions/chatcmpl-0"), ("GET", "/v1/conversations/conv_0"),
            ] {
                #expect(try await server.reply(method, path, key: "one").0 == 404, "\(method) \(path)")
            }
        }
    }
}
