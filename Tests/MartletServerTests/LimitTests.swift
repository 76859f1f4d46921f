import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// No client exceeds its share, and none waits forever.
@Suite struct LimitTests {
    private static func keyed(_ key: String) -> [(String, String)] { [("Authorization", "Bearer \(key)")] }

    @Test func oneKeyStaysWithinItsLimit() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one", "two"]
            $0.limits.generationsPerKey = 2
        } body: { server async throws in
            var streams: [RawConnection] = []
            for _ in 0..<2 {
                let connection = try await server.connect()
                try await connection.send(
                    "POST", "/v1/chat/completions", headers: Self.keyed("one"), body: chat(stream: true))
                #expect(try await connection.readHead().status == 200)
                streams.append(connection)
            }
            for stream in [true, false] {
                let (head, body) = try await server.send(
                    "POST", "/v1/chat/completions", headers: Self.keyed("one"), body: chat(stream: stream))
                #expect(head.status == 429)
                #expect(head["retry-after"] == "1")
                let error = try json(body)["error"]
                #expect(error?["type"] == "rate_limit_error")
                #expect(error?["message"]?.stringValue?.contains("--max-generations-per-key") == true)
            }
            #expect(server.engine.requests.count == 2)
            let other = try await server.connect()
            try await other.send("POST", "/v1/chat/completions", headers: Self.keyed("two"), body: chat(stream: true))
            #expect(try await other.readHead().status == 200)
            server.engine.finish(server.engine.requests[0].handle)
            _ = try await streams[0].readEvents()
            let again = try await server.connect()
            try await again.send("POST", "/v1/chat/completions", headers: Self.keyed("one"), body: chat(stream: true))
            #expect(try await again.readHead().status == 200)
        }
    }

    @Test func allClientsTogetherStayWithinTheServersLimit() async throws {
        let loading = EngineState.loading(LoadProgress(stage: .textModel, fraction: 0))
        for state in [EngineState.ready(.fake), loading] {
            try await TestServer.run(state: state) {
                $0.limits.generations = 1
            } body: { server async throws in
                let (connection, head) = try await server.stream()
                #expect(head.status == 200)
                let (refused, body) = try await server.send("POST", "/v1/chat/completions", body: chat(stream: true))
                #expect(refused.status == 503)
                #expect(refused["retry-after"] == "1")
                #expect(body.contains("1 generations") && body.contains("--max-generations)"))
                #expect(try json(body)["error"]?["type"] == "overloaded_error")
                try await connection.close()
            }
        }
    }

    @Test func embeddingsCountAsGenerationsDo() async throws {
        var information = ModelInformation.fake
        information.embeddingPooling = .mean
        let body = #"{"input":"a"}"#
        try await TestServer.run(state: .ready(information)) {
            $0.apiKeys = ["one", "two"]
            $0.limits.generationsPerKey = 1
            $0.limits.generations = 2
        } body: { server async throws in
            // Each releases its place.
            for _ in 0..<3 {
                #expect(
                    try await server.send("POST", "/v1/embeddings", headers: Self.keyed("one"), body: body).head.status
                        == 200)
            }
            let (first, _) = try await server.open(Self.keyed("one"))
            let own = try await server.send("POST", "/v1/embeddings", headers: Self.keyed("one"), body: body)
            #expect(own.head.status == 429 && own.head["retry-after"] == "1")
            #expect(own.body.contains("--max-generations-per-key"))
            let other = try await server.send("POST", "/embedding", headers: Self.keyed("two"), body: body)
            #expect(other.head.status == 200)
            try await first.close()
        }
        try await TestServer.run(state: .ready(information)) {
            $0.limits.generations = 1
        } body: { server async throws in
            let (stream, _) = try await server.stream()
            let refused = try await server.send("POST", "/v1/embeddings", body: body)
            #expect(refused.head.status == 503 && refused.head["retry-after"] == "1")
            #expect(refused.body.contains("--max-generations)"))
            try await stream.close()
        }
    }

    @Test(arguments: [true, false]) func fullLogsAreRefusedByWhoseTheyAre(isOfAll: Bool) async throws {
        try await TestServer.run {
            $0.apiKeys = ["one"]
            if isOfAll { $0.limits.logBytes = 1 } else { $0.limits.logBytesPerKey = 1 }
        } body: { server async throws in
            let headers = Self.keyed("one") + [("X-Stream-Resume", "1")]
            let (first, _) = try await server.open(headers)
            server.engine.step([await server.engine.request(0).handle], text: "a")
            let refused = try await server.send(
                "POST", "/v1/chat/completions", headers: headers, body: chat(stream: true))
            #expect(refused.head.status == (isOfAll ? 503 : 429) && refused.head["retry-after"] == "1")
            #expect(refused.body.contains(isOfAll ? "(--log-memory)" : "(--log-memory-per-key)"))
            try await first.close()
        }
    }

    @Test func aSlowSenderGetsATimeoutError() async throws {
        try await TestServer.run {
            $0.limits.requestTimeout = .milliseconds(50)
        } body: { server async throws in
            let connection = try await server.connect()
            try await connection.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            let head = try await connection.readHead()
            #expect(head.status == 408)
            let error = try json(try await connection.readBody())["error"]
            #expect(error?["type"] == "request_timeout_error")
            #expect(error?["message"]?.stringValue?.contains("--request-timeout") == true)
            await connection.waitForClose()
        }
    }

    @Test(arguments: ["", "GET /health HTTP/1.1\r\nHost: loc", "POST /tokenize HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"])
    func halfARequestAndSilenceEndInTime(text: String) async throws {
        try await TestServer.run {
            $0.limits.idleTimeout = .milliseconds(50)
        } body: { server async throws in
            let connection = try await server.connect()
            if !text.isEmpty { try await connection.send(text) }
            await connection.waitForClose()
        }
    }

    @Test func aReaderThatStopsLosesItsGenerationAndNothingElse() async throws {
        try await TestServer.run {
            $0.limits.stallTimeout = .milliseconds(20)
        } body: { server async throws in
            let (slow, _) = try await server.stream(receiveBufferBytes: 4_096)
            let (other, _) = try await server.stream()
            let handles = server.engine.requests.map(\.handle)
            try await slow.stopReading()
            // More than the buffers of both sockets.
            let text = String(repeating: "x", count: 1 << 20)
            for _ in 0..<16 { server.engine.step([handles[0]], text: text) }
            await server.engine.waitForCancel(of: handles[0])
            server.engine.step([handles[1]], text: "ok")
            server.engine.finish(handles[1])
            #expect(try content(of: try await other.readEvents()) == "ok")
        }
    }
}
