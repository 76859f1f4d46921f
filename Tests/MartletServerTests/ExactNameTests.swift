import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Names from outside are compared by bytes: a composed letter differs from a decomposed one.
@Suite struct ExactNameTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    private static func encoded(_ text: String) -> String {
        text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func aLabelFindsNoOtherConversation() async throws {
        try await TestServer.run { server async throws in
            let (first, _) = try await server.open([("X-Conversation-Id", Self.composed)])
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            for path in [
                "/v1/stream/\(Self.encoded(Self.decomposed))", "/v1/stream?conv_id=\(Self.encoded(Self.decomposed))",
            ] {
                #expect(try await server.send("GET", path).head.status == 404)
                _ = try await server.send("DELETE", path)
            }
            for (label, count) in [(Self.composed, 1), (Self.decomposed, 0)] {
                let list = try await server.send("GET", "/v1/generations?label=\(Self.encoded(label))")
                #expect(try json(list.body)["data"]?.arrayValue?.count == count)
                let lookup = try await server.send(
                    "POST", "/v1/streams/lookup", body: #"{"conversation_ids":["\#(label)"]}"#)
                #expect(try json(lookup.body).arrayValue?.count == count)
            }
            // A newer stream of the other label does not replace the first.
            let (second, _) = try await server.open([("X-Conversation-Id", Self.decomposed)])
            server.engine.step([handle], text: "b")
            server.engine.finish(handle)
            #expect(try content(of: try await first.readEvents()) == "ab")
            try await second.close()
        }
    }

    /// Bytes that are no UTF-8 would all become one label.
    @Test func aLabelIsUTF8() async throws {
        try await TestServer.run { server async throws in
            let body = chat(stream: true)
            let connection = try await server.connect()
            try await connection.send(
                Array("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Conversation-Id: caf".utf8) + [0xE9]
                    + Array("\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
            #expect(try await connection.readHead().status == 400)
            #expect(try await connection.readBody().contains("X-Conversation-Id"))
        }
    }

    @Test func everyStopTextCounts() async throws {
        try await TestServer.run { server async throws in
            let (connection, head) = try await server.stream(
                chat(stream: true, #","stop":["\#(Self.composed)","\#(Self.decomposed)"]"#))
            #expect(head.status == 200)
            #expect(
                await server.engine.request(0).parameters.stops.map { Array($0.utf8) } == [
                    Array(Self.composed.utf8), Array(Self.decomposed.utf8),
                ])
            try await connection.close()
        }
    }
}
