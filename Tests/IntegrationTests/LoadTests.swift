import MartletJSON
import MartletTestSupport
import OrderedCollections
import Testing

/// Many clients at once, against the real program with its default flags.
@Suite(.serialized, .timeLimit(.minutes(15))) struct LoadTests {
    private static func story(_ number: Int, tokens: Int, streams: Bool = true) -> JSONValue {
        [
            "prompt": .string("\(number). Once upon a time"), "max_tokens": .integer(Int64(tokens)), "temperature": 0,
            "ignore_eos": true, "sse_ping_interval": 1, "stream": .bool(streams),
        ]
    }

    @Test func aHundredChatsAtOnceAreAllPingedOrCompletedAndTheServerResponds() async throws {
        try await Server.run { server in
            var streams: [RawConnection] = []
            for _ in 0..<100 { streams.append(try await server.connect()) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, stream) in streams.enumerated() {
                    group.addTask {
                        try await stream.send(
                            "POST", "/v1/completions", headers: [("X-Conversation-Id", "c\(number)")],
                            body: Self.story(number, tokens: 2_000).text)
                    }
                }
                try await group.waitForAll()
            }
            // Headers come to all, although four sequences run at once.
            for stream in streams {
                let status = try await stream.readHead().status
                #expect(status == 200)
            }
            let (health, slots) = (try await server.get("/health").status, try await server.slots())
            #expect(health == 200)
            #expect(slots.count == 4)
            #expect(try await server.get("/slots?fail_on_no_slot=1").status == 503)
            // Each stream says something while it waits, whether or not it has begun.
            for stream in streams {
                let event = try await stream.readEvent()
                #expect(event != nil)
            }
            // All are stopped, those that write and those that wait, and each ends once.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, stream) in streams.enumerated() {
                    group.addTask {
                        let stop = try await server.request("DELETE", "/v1/stream?conv_id=c\(number)")
                        #expect(stop.status == 204)
                        let text = try StreamedText(await stream.readEvents())
                        #expect(text.endedOnce)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await server.slots().allSatisfy { $0["is_processing"]?.boolValue == false })
            #expect(try await server.get("/slots?fail_on_no_slot=1").status == 200)
        }
    }

    @Test func idleAndBrokenConnectionsDisturbNoStream() async throws {
        try await Server.run(["--parallel", "16"]) { server in
            let (_, alone) = try await server.post("/v1/completions", Self.story(0, tokens: 100, streams: false))
            let expected = try #require(alone["choices"]?.arrayValue?.first?["text"]?.stringValue)
            var others: [RawConnection] = []
            for number in 0..<400 {
                let connection = try await server.connect()
                switch number % 4 {
                // Silence, half a request, half a head, no HTTP.
                case 0: break
                case 1:
                    try await connection.send(
                        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{\"pro")
                case 2: try await connection.send("GET /health HTTP/1.1\r\nHost: local")
                default: try await connection.send("\u{16}\u{3}\u{1} what is this?\r\n\r\n")
                }
                others.append(connection)
            }
            try await withThrowingTaskGroup(of: StreamedText.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        let stream = try await server.openStream(Self.story(0, tokens: 100))
                        return try StreamedText(await stream.readEvents())
                    }
                }
                for try await text in group { #expect(text.text == expected && text.endedOnce) }
            }
            for (number, connection) in others.enumerated() where number % 2 == 0 { try? await connection.reset() }
            for (number, connection) in others.enumerated() where number % 2 == 1 { try? await connection.close() }
            #expect(try await server.get("/health").status == 200)
        }
    }

    @Test func noBodyIsTheServersFault() async throws {
        try await Server.run(["--embeddings"]) { server in
            let worker = try await server.worker()
            var random = SeededGenerator(seed: 7)
            var samples = RequestSamples { Int.random(in: 0..<$0, using: &random) }
            var requests: [(path: String, body: String)] = []
            for _ in 0..<40 {
                for route in RequestSamples.Route.allCases {
                    // Long answers are no part of it.
                    requests.append((route.rawValue, samples.body(of: route, limits: [("n_predict", "2")])))
                }
            }
            var accepted = 0
            for (path, body) in requests {
                let (status, response) = try await server.request("POST", path, body: body)
                if status < 400 { accepted += 1 }
                #expect(status < 500, "\(path) \(body): \(response)")
            }
            #expect(accepted > 40)
            #expect(try await server.worker() == worker)
            #expect(try await server.get("/health").status == 200)
        }
    }
}
