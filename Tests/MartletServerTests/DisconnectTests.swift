import MartletProtocol
import MartletTestSupport
import Testing

/// A plain generation ends when its client disconnects, at every stage and in every way.
@Suite struct DisconnectTests {
    enum Leaving: CaseIterable {
        case close
        case reset
        case halfClose

        func disconnect(_ connection: RawConnection) async throws {
            switch self {
            case .close: try await connection.close()
            case .reset: try await connection.reset()
            case .halfClose: try await connection.halfClose()
            }
        }
    }

    @Test(arguments: Leaving.allCases) func whileItGenerates(leaving: Leaving) async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.stream()
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            _ = try await connection.readEvent()
            try await leaving.disconnect(connection)
            await server.engine.waitForCancel(of: handle)
        }
    }

    @Test(arguments: Leaving.allCases) func whileItIsQueued(leaving: Leaving) async throws {
        try await TestServer.run(script: .hold) { server async throws in
            let connection = try await server.connect()
            try await connection.send("POST", "/v1/chat/completions", body: chat(stream: true))
            let handle = await server.engine.request(0).handle
            try await leaving.disconnect(connection)
            await server.engine.waitForCancel(of: handle)
        }
    }

    @Test(arguments: Leaving.allCases) func whenTheResponseIsNotStreamed(leaving: Leaving) async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            try await connection.send("POST", "/v1/chat/completions", body: chat(stream: false))
            let handle = await server.engine.request(0).handle
            try await leaving.disconnect(connection)
            await server.engine.waitForCancel(of: handle)
        }
    }

    @Test(arguments: Leaving.allCases, ["/tokenize", "/detokenize", "/v1/embeddings"])
    func whileAQueryIsProcessed(leaving: Leaving, path: String) async throws {
        var information = ModelInformation.fake
        information.embeddingPooling = .mean
        try await TestServer.run(state: .ready(information)) { server async throws in
            server.engine.setHoldsQueries(true)
            let connection = try await server.connect()
            try await connection.send("POST", path, body: #"{"content":"hi","tokens":[1],"input":"hi"}"#)
            await server.engine.wait { $0.queryCount == 1 }
            try await leaving.disconnect(connection)
            await server.engine.wait { $0.withdrawnCount == 1 }
        }
    }

    @Test func whileTheModelLoads() async throws {
        try await TestServer.run(state: .loading(LoadProgress(stage: .textModel, fraction: 0.5))) {
            server async throws in
            let (gone, head) = try await server.stream()
            #expect(head.status == 200)
            try await gone.halfClose()
            await gone.waitForClose()
            let (staying, _) = try await server.stream()
            server.engine.change(to: .ready(.fake))
            server.engine.finish(await server.engine.request(0).handle)
            #expect(try await staying.readEvents().last == "data: [DONE]")
            #expect(server.engine.requests.count == 1)
        }
    }

    @Test func aDisconnectDoesNotDisturbOtherStreams() async throws {
        try await TestServer.run { server async throws in
            let (leaving, _) = try await server.stream()
            let (staying, _) = try await server.stream()
            let handles = server.engine.requests.map(\.handle)
            server.engine.step(handles, text: "a")
            try await leaving.reset()
            await server.engine.waitForCancel(of: handles[0])
            server.engine.step(handles, text: "b")
            server.engine.finish(handles[1])
            #expect(try content(of: try await staying.readEvents()) == "ab")
        }
    }
}
