import MartletServer
import MartletTestSupport
import Testing

@Suite struct AccessTests {
    @Test(
        arguments: [
            ([], 401), ([("Authorization", "Bearer wrong")], 401), ([("Authorization", "Bearer one")], 200),
            ([("Authorization", "Bearer two")], 200), ([("X-Api-Key", "two")], 200), ([("X-Api-Key", "")], 401),
            ([("Authorization", "one")], 200),
            // Case and blanks of the scheme do not matter, and one valid credential is enough.
            ([("Authorization", "bearer one")], 200), ([("Authorization", "BEARER \t one")], 200),
            ([("Authorization", "Bearer\tone")], 200), ([("Authorization", "Bearerone")], 401),
            ([("Authorization", "Bearer wrong"), ("X-Api-Key", "one")], 200),
            ([("Authorization", "Basic dXNlcjpvbmU="), ("X-Api-Key", "bearer two")], 200),
            ([("Authorization", "Bearer wrong"), ("Authorization", "Bearer one")], 200),
            ([("X-Api-Key", "wrong"), ("X-Api-Key", "one")], 200),
            ([("Authorization", "Bearer wrong"), ("X-Api-Key", "wrong")], 401), ([("Authorization", "Bearer")], 401),
            ([("Authorization", "Bearer o\u{301}ne")], 401),
        ] as [([(String, String)], Int)])
    func onlyRequestsWithAValidKeyAreServed(headers: [(String, String)], status: Int) async throws {
        try await TestServer.run {
            $0.apiKeys = ["one", "two"]
        } body: { server async throws in
            let (head, body) = try await server.send("GET", "/v1/models", headers: headers)
            #expect(head.status == status)
            if status == 401 {
                #expect(body == #"{"error":{"code":401,"message":"Invalid API Key","type":"authentication_error"}}"#)
                #expect(head["www-authenticate"] == "Bearer")
            }
        }
    }

    @Test func healthNeedsNoKeyAndUnknownRoutesDo() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one"]
        } body: { server async throws in
            #expect(try await server.send("GET", "/health").head.status == 200)
            #expect(try await server.send("GET", "/nothing").head.status == 401)
        }
    }

    @Test(arguments: [
        ("http://localhost:3000", true), ("https://127.0.0.1", true), ("http://[::1]:8080", true),
        ("http://localhost.evil.example", false), ("http://evil.example", false), ("null", false),
        ("http://localhost:80@evil.example", false), ("http://localhost:", false),
    ])
    func pagesOfThisMachineAreAllowedByDefault(origin: String, isAllowed: Bool) async throws {
        try await TestServer.run { server async throws in
            for (method, path) in [("GET", "/health"), ("GET", "/nothing"), ("OPTIONS", "/v1/chat/completions")] {
                let (head, _) = try await server.send(method, path, headers: [("Origin", origin)])
                #expect(head["access-control-allow-origin"] == (isAllowed ? origin : nil))
            }
        }
    }

    @Test func preflightNeedsNoKey() async throws {
        try await TestServer.run {
            $0.apiKeys = ["one"]
        } body: { server async throws in
            let (head, body) = try await server.send(
                "OPTIONS", "/v1/chat/completions", headers: [("Origin", "http://localhost")])
            #expect(head.status == 200)
            #expect(head["access-control-allow-methods"]?.contains("POST") == true)
            #expect(head["access-control-allow-headers"]?.contains("Authorization") == true)
            #expect(head["access-control-allow-credentials"] == "true")
            #expect(body.isEmpty)
        }
    }

    /// Headers that an operator set are in every preflight response, as at llama-server; by default foreign pages get
    /// none.
    @Test(arguments: [("http://localhost:1", "http://localhost:1"), ("http://a.example", nil), (nil, nil)])
    func configuredHeadersAreSentToEveryPreflight(origin: String?, allowed: String?) async throws {
        for isExplicit in [true, false] {
            try await TestServer.run {
                $0.crossOrigin.methods = "GET, POST"
                $0.crossOrigin.headers = "*"
                $0.crossOrigin.isExplicit = isExplicit
            } body: { server async throws in
                let headers = origin.map { [("Origin", $0)] } ?? []
                let (head, _) = try await server.send("OPTIONS", "/completions", headers: headers)
                let isReported = isExplicit || allowed != nil
                #expect(head.status == 200 && head["content-type"] == "text/html")
                #expect(head["access-control-allow-origin"] == allowed)
                #expect(head["access-control-allow-methods"] == (isReported ? "GET, POST" : nil))
                #expect(head["access-control-allow-headers"] == (isReported ? "*" : nil))
                #expect(head["access-control-allow-credentials"] == (isReported ? "true" : nil))
            }
        }
    }

    @Test func withoutCredentialsEveryOriginIsOneStar() async throws {
        try await TestServer.run {
            $0.crossOrigin.origins = .any
            $0.crossOrigin.allowsCredentials = false
            $0.crossOrigin.isExplicit = true
        } body: { server async throws in
            for method in ["GET", "OPTIONS"] {
                let (head, _) = try await server.send(method, "/health", headers: [("Origin", "http://a.example")])
                #expect(head["access-control-allow-origin"] == "*")
                #expect(head["access-control-allow-credentials"] == nil)
            }
        }
    }

    @Test func otherOriginsCanBeAllowed() async throws {
        try await TestServer.run {
            $0.crossOrigin.origins = .any
        } body: { server async throws in
            let (head, _) = try await server.send("GET", "/health", headers: [("Origin", "http://a.example")])
            #expect(head["access-control-allow-origin"] == "http://a.example")
        }
        try await TestServer.run {
            $0.crossOrigin.origins = .literal("http://b.example")
        } body: { server async throws in
            let (head, _) = try await server.send("GET", "/health", headers: [("Origin", "http://a.example")])
            #expect(head["access-control-allow-origin"] == "http://b.example")
        }
    }
}
