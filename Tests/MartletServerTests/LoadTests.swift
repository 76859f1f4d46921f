import MartletJSON
import MartletPlatform
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Neither very many clients nor misbehaving ones affect other clients.
@Suite(.serialized, .timeLimit(.minutes(15))) struct LoadTests {
    private static let post = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"

    /// Both ends of each connection belong to this process.
    private static func allowOpenFiles(_ count: rlim_t) throws {
        var limit = rlimit()
        #if canImport(Glibc)
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let kind = RLIMIT_NOFILE
        #endif
        try #require(getrlimit(kind, &limit) == 0)
        guard limit.rlim_cur < count else { return }
        limit.rlim_cur = min(count, limit.rlim_max)
        try #require(setrlimit(kind, &limit) == 0)
    }

    @Test func twoThousandConnectionsWhile64Generate() async throws {
        try Self.allowOpenFiles(8_192)
        // A slow machine needs long until each connection had its turn.
        try await TestServer.run(configure: { $0.limits.idleTimeout = .seconds(600) }) { server async throws in
            var others: [RawConnection] = []
            for _ in 0..<1_936 { others.append(try await server.connect()) }
            var streams: [RawConnection] = []
            for _ in 0..<64 { streams.append(try await server.stream().connection) }
            let handles = server.engine.requests.map(\.handle)
            #expect(handles.count == 64)
            let healthChecks = Task { [others] in
                // Each gets a response while tokens arrive.
                for connection in others {
                    try await connection.send("GET", "/health")
                    #expect(try await connection.readHead().status == 200)
                    _ = try await connection.readBody()
                }
            }
            for index in 0..<200 { server.engine.step(handles, text: "\(index) ") }
            try await healthChecks.value
            for handle in handles { server.engine.finish(handle) }
            let expected = (0..<200).map { "\($0) " }.joined()
            for stream in streams {
                let events = try await stream.readEvents()
                #expect(try content(of: events) == expected)
                #expect(events.last == "data: [DONE]")
            }
            #expect(server.engine.cancelled.isEmpty)
        }
    }

    @Test func brokenConnectionsDisturbNoStream() async throws {
        try Self.allowOpenFiles(4_096)
        try await TestServer.run(configure: { $0.limits.idleTimeout = .seconds(1) }) { server async throws in
            let (stream, _) = try await server.stream()
            let handle = await server.engine.request(0).handle
            var others: [RawConnection] = []
            for number in 0..<500 {
                let connection = try await server.connect()
                switch number % 5 {
                // Silence, half a request, half a head, a head in single bytes, no HTTP.
                case 0: break
                case 1: try await connection.send(Self.post + "Content-Length: 1000\r\n\r\n{\"pro")
                case 2: try await connection.send("GET /health HTTP/1.1\r\nHost: local")
                case 3: for byte in "GET /h" { try await connection.send(String(byte)) }
                default: try await connection.send("\u{16}\u{3}\u{1} what is this?\r\n\r\n")
                }
                others.append(connection)
                server.engine.step([handle], text: "\(number) ")
            }
            // A third is reset, a third closes only its own side, and the others stay until the server's timeout.
            for (number, connection) in others.enumerated() {
                if number % 3 == 0 { try? await connection.reset() }
                if number % 3 == 1 { try? await connection.halfClose() }
            }
            for (number, connection) in others.enumerated() where number % 3 > 0 { await connection.waitForClose() }
            server.engine.finish(handle)
            #expect(try content(of: try await stream.readEvents()) == (0..<500).map { "\($0) " }.joined())
            #expect(server.engine.requests.count == 1)
            #expect(try await server.send("GET", "/health").head.status == 200)
        }
    }

    /// Requests, their allowed statuses, and a part of the body.
    private static let mistakes: [(request: String, status: Int, part: String)] = [
        (post + "Content-Length: 100000001\r\n\r\n", 413, "100000000"),
        (post + (0..<10_000).map { "X-\($0): 1\r\n" }.joined() + "\r\n", 431, "exceed"),
        (post + "X-Long: " + String(repeating: "x", count: 100_000) + "\r\n\r\n", 431, "exceed"),
        ("GET /" + String(repeating: "x", count: 10_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "8192"),
        (post + "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400, "HTTP"),
        (post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n", 413, "100000000"),
        (post + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"pro\r\n0\r\n\r\n", 400, "line 1"),
        (post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400, "HTTP"),
        (post + "Content-Length: x\r\n\r\n", 400, "HTTP"),
        (post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400, "HTTP"),
        (post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""),
        ("\u{16}\u{3}\u{1} what is this?\r\n\r\n", 400, "HTTP"),
        ("GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", 400, "HTTP"),
    ]

    @Test(arguments: mistakes) func malformedRequestsAreClientsMistakes(
        request: String, status: Int, part: String
    ) async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            // The server may have responded and closed before everything is sent.
            try? await connection.send(request)
            let head = try await connection.readHead()
            let body = try await connection.readBody()
            #expect(head.status == status, "\(request.prefix(120)): \(body)")
            #expect(body.contains(part), "\(request.prefix(120)): \(body)")
            #expect(try json(body)["error"]?["message"] != nil)
            try? await connection.close()
            #expect(try await server.send("GET", "/health").head.status == 200)
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func bodiesOf100MBAreReadAndRefused() async throws {
        try await TestServer.run { server async throws in
            let open = "{\"prompt\":"
            for (body, part) in [
                (String(repeating: "x", count: 100_000_000), "line 1"),
                (open + String(repeating: "[", count: 1 << 20), "nest"),
                // Read to its end, for which a debug build needs long.
                (open + "\"" + String(repeating: "x", count: 4_000_000) + "\"", "line 1"),
            ] {
                let (head, response) = try await server.send("POST", "/v1/completions", body: body)
                #expect(head.status == 400)
                #expect(response.contains(part), "\(response.prefix(400))")
                #expect(response.utf8.count < 1_000)
            }
            #expect(try await server.send("GET", "/health").head.status == 200)
        }
    }

    @Test func aMissingBodyIsRequested() async throws {
        try await TestServer.run(script: .complete(["a"])) { server async throws in
            let connection = try await server.connect()
            let body = #"{"prompt":"x","max_tokens":1}"#
            try await connection.send(Self.post + "Expect: 100-continue\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            #expect(try await connection.readHead().status == 100)
            try await connection.send(body)
            #expect(try await connection.readHead().status == 200)
        }
    }
}
