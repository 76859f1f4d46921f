import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

/// Every dialect shows the same output, however the engine delivers its tokens.
@Suite(.timeLimit(.minutes(15))) struct DialectDeliveryTests {
    /// The first token ends inside of a character, so its text is empty; so does the fourth one.
    private static let tokens = ["", "é", "l", "", "😀", "\"", " ", "\n", "end"]

    /// The whole generation.
    private static let events: [EngineEvent.Kind] =
        [.admitted(promptTokens: 2), .started(slot: 0, cachedTokens: 0)]
        + tokens.enumerated().map { .token(id: Int32($0), text: ArraySlice($1.utf8)) }
        + [.finished(GenerationSummary(reason: .endOfGeneration, timings: Timings()), text: [])]

    /// The text that a chunk or a whole response adds.
    private static func text(_ kind: CompletionKind, _ json: JSONValue) -> String {
        let value: JSONValue?
        switch kind {
        case .chat:
            let choice = json["choices"]?.arrayValue?.first
            value = choice?["delta"]?["content"] ?? choice?["message"]?["content"]
        case .text: value = json["choices"]?.arrayValue?.first?["text"]
        case .native: value = json["content"]
        case .messages: value = json["delta"]?["text"] ?? json["content"]?.arrayValue?.first?["text"]
        case .responses:
            value =
                json["type"] == "response.output_text.delta"
                ? json["delta"] : json["output"]?.arrayValue?.last?["content"]?.arrayValue?.first?["text"]
        case .ollamaChat: value = json["message"]?["content"]
        case .ollamaGenerate: value = json["response"]
        }
        return value?.stringValue ?? ""
    }

    /// The text that begins a stream, which occurs once.
    private static func opening(_ kind: CompletionKind) -> String? {
        switch kind {
        case .chat: #""role":"assistant""#
        case .messages: "event: message_start"
        case .responses: "event: response.created"
        case .text, .native, .ollamaChat, .ollamaGenerate: nil
        }
    }

    @Test(arguments: Dialect.all.map(\.kind)) func deliveryChangesNothing(kind: CompletionKind) async throws {
        try await TestServer.run(script: .hold) { server async throws in
            var number = 0
            for (streams, size) in [(true, 1), (true, 2), (true, 5), (true, 99), (false, 1), (false, 99)] {
                let connection = try await server.connect()
                try await connection.send(
                    "POST", DialectSample.path(kind), body: DialectSample.body(kind, ",\"stream\":\(streams)"))
                let handle = await server.engine.request(number).handle
                number += 1
                let events = Self.events
                for start in stride(from: 0, to: events.count, by: size) {
                    server.engine.send(
                        events[start..<min(start + size, events.count)].map { EngineEvent(handle, $0) })
                }
                #expect(try await connection.readHead().status == 200)
                let text = try await connection.readBody()
                try await connection.close()
                let output = try streams ? Self.joined(kind, text) : Self.text(kind, json(text))
                #expect(output == Self.tokens.joined(), "\(kind) \(streams) \(size)")
                guard streams, let opening = Self.opening(kind) else { continue }
                #expect(text.ranges(of: opening).count == 1, "\(kind) \(size)")
            }
        }
    }

    /// Over a WebSocket, too: its events have the text of the response, however the engine delivers its tokens.
    @Test func deliveryChangesNothingOverAWebSocket() async throws {
        try await TestServer.run(script: .hold) { server async throws in
            let connection = try await server.connect()
            #expect(try await connection.upgrade("/v1/responses").status == 101)
            for (number, size) in [1, 2, 5, 99].enumerated() {
                try await connection.sendMessage(#"{"type":"response.create","input":"Hi"}"#)
                let handle = await server.engine.request(number).handle
                let events = Self.events
                for start in stride(from: 0, to: events.count, by: size) {
                    server.engine.send(
                        events[start..<min(start + size, events.count)].map { EngineEvent(handle, $0) })
                }
                var output = ""
                var types: [String] = []
                while types.last != "response.completed" {
                    let event = try json(try await connection.readMessage())
                    types.append(event["type"]?.stringValue ?? "")
                    output += Self.text(.responses, event)
                    guard types.last == "response.completed" else { continue }
                    #expect(Self.text(.responses, event["response"] ?? .null) == Self.tokens.joined(), "\(size)")
                }
                #expect(output == Self.tokens.joined(), "\(size)")
                #expect(types.count { $0 == "response.created" } == 1, "\(size)")
            }
        }
    }

    /// The text of a stream of events or of lines.
    private static func joined(_ kind: CompletionKind, _ text: String) throws -> String {
        try text.split(separator: "\n").compactMap { line -> JSONValue? in
            if line.hasPrefix("data: {") { return try json(String(line.dropFirst(6))) }
            return line.hasPrefix("{") ? try json(String(line)) : nil
        }.map { Self.text(kind, $0) }.joined()
    }
}
