import MartletTestSupport
import Testing

@testable import MartletServer

/// Routing and access control interpret a path in the same way.
@Suite struct PathTests {
    @Test(
        arguments: [
            ("/health", 200), ("/health/", 200), ("//health", 200), ("//health//", 200), ("/v1/health/", 200),
            ("/v1//health", 200), ("/health?a=/", 200), ("/health/x", 401), ("/x/health", 401), ("/%68ealth", 401),
            ("/Health", 401), ("/v1/models/", 401), ("/", 200), ("//", 200), ("/page/x/y", 401), ("/v1/../health", 401),
        ] as [(String, Int)])
    func thePublicPathIsTheRoutedOne(target: String, status: Int) async throws {
        try await TestServer.run {
            $0.apiKeys = ["one"]
        } body: { server async throws in
            #expect(try await server.send("GET", target).head.status == status)
            // With the key, the same paths have a route.
            let keyed = try await server.send("GET", target, headers: [("X-Api-Key", "one")])
            #expect(keyed.head.status == (status == 200 || target.contains("models") ? 200 : 404))
        }
    }

    @Test(arguments: ["/health/", "//health"])
    func anotherMethodOfAPublicPathGets405(target: String) async throws {
        try await TestServer.run {
            $0.apiKeys = ["one"]
        } body: { server async throws in
            let (head, body) = try await server.send("POST", target)
            #expect(head.status == 405 && head["allow"] == "GET, HEAD")
            #expect(body.contains("Route /health allows"))
        }
    }

    @Test(
        arguments: [
            ("/v1/stream/a", 2, "a"), ("//v1///stream/a", 2, "a"), ("/v1/stream/a/b", 2, "a/b"),
            ("/v1/stream/a//b/", 2, "a//b/"),
            ("/v1/stream", 2, nil), ("/v1/stream/", 2, nil), ("/", 0, nil), ("", 0, nil),
            ("/v1/stream/\u{301}x", 2, "\u{301}x"), ("/v1/\u{301}x", 2, nil),
        ] as [(String, Int, String?)])
    func theRestBehindARouteIsAsItIsWritten(path: String, count: Int, rest: String?) {
        #expect(RequestPath(path).rest(behind: count).map { Array($0.utf8) } == rest.map { Array($0.utf8) })
    }

    @Test func aLabelIsFoundBehindAnyNumberOfSlashes() async throws {
        try await TestServer.run { server async throws in
            let (stream, _) = try await server.open([("X-Conversation-Id", "a/b")])
            for target in ["/v1/stream/a/b", "//v1//stream/a/b", "/v1/stream/a%2Fb"] {
                let connection = try await server.connect()
                try await connection.send("GET", target)
                #expect(try await connection.readHead().status == 200)
                try await connection.close()
            }
            #expect(try await server.send("GET", "/v1/stream/a//b").head.status == 404)
            try await stream.close()
        }
    }
}
