import MartletJSON
import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletServer

/// The text of a prompt of token ids is in the last event of llama-server's stream.
@Suite struct PromptTextTests {
    /// Begins a stream whose request the engine has although it has not replied to the query for the text.
    private static func beginWithHeldText(_ server: TestServer) async throws -> (RawConnection, GenerationHandle) {
        server.engine.setHoldsQueries(true)
        let connection = try await server.connect()
        try await connection.send("POST", "/completion", body: #"{"prompt":[72,105],"stream":true}"#)
        let handle = await server.engine.request(0).handle
        await server.engine.wait { $0.queryCount == 1 }
        return (connection, handle)
    }

    @Test func anEngineComputesAPromptBeforeItsTextIsKnown() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle) = try await Self.beginWithHeldText(server)
            server.engine.finish(handle)
            server.engine.setHoldsQueries(false)
            #expect(try await connection.readHead().status == 200)
            let end = try #require(try await connection.readEvents().last)
            #expect(try json(String(end.dropFirst(6)))["prompt"]?.stringValue == "Hi")
        }
    }

    @Test func aClientThatLeavesEndsItsGeneration() async throws {
        try await TestServer.run { server async throws in
            let (connection, handle) = try await Self.beginWithHeldText(server)
            try await connection.halfClose()
            await server.engine.waitForCancel(of: handle)
            server.engine.setHoldsQueries(false)
        }
    }

    @Test(arguments: [#"[72,105]"#, #"[[72,105],"x"]"#]) func theLastEventHasTheText(prompt: String) async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let (connection, head) = try await server.open(
                [], #"{"prompt":\#(prompt),"stream":true}"#, path: "/completion")
            #expect(head.status == 200)
            let ends = try await connection.readEvents().compactMap { event -> JSONValue? in
                guard event.hasPrefix("data: {") else { return nil }
                let object = try json(String(event.dropFirst(6)))
                return object["stop"] == .bool(true) ? object : nil
            }
            #expect(ends.contains { $0["prompt"]?.stringValue == "Hi" })
        }
    }

    @Test(arguments: [true, false]) func anUnknownTokenEndsTheGeneration(streams: Bool) async throws {
        try await TestServer.run { server async throws in
            let (head, _) = try await server.send(
                "POST", "/completion", body: #"{"prompt":[72,300],"stream":\#(streams)}"#)
            #expect(head.status == 400)
            // Without a stream the text is found first, and no engine receives the request.
            if streams {
                await server.engine.waitForCancel(of: await server.engine.request(0).handle)
            } else {
                #expect(server.engine.requests.isEmpty)
            }
        }
    }
}
