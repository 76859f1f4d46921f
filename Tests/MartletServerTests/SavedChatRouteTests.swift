import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletServer

/// `/v1/history` over HTTP.
@Suite struct SavedChatRouteTests {
    private static func withHistory(
        keys: [String] = [], byteLimit: Int = 1 << 20, in folder: StateFolder,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(
            configure: { configuration in
                configuration.historyPath = folder.path
                configuration.limits.historyBytes = byteLimit
                configuration.apiKeys = APIKeys(keys)
            }, body: body)
    }

    @Test func aChatIsWrittenReadReplacedAndRemoved() async throws {
        try await Self.withHistory(in: StateFolder()) { server async throws in
            let path = "/v1/history/c1"
            let new = [("If-None-Match", "*")]
            let (made, text) = try await server.send("PUT", path, headers: new, body: #"{"title":"One"}"#)
            let tag = try #require(try json(text)["etag"]?.stringValue)
            #expect(made.status == 200 && made["etag"] == "\"\(tag)\"")
            #expect(try await server.send("PUT", path, headers: new, body: "{}").head.status == 412)

            let (read, chat) = try await server.send("GET", path)
            #expect(read.status == 200 && chat == #"{"title":"One"}"# && read["cache-control"] == "no-store")
            #expect(
                try await server.send("GET", path, headers: [("If-None-Match", "\"\(tag)\"")]).head.status == 304)

            let (list, entries) = try await server.send("GET", "/v1/history")
            let data = try #require(try json(entries)["data"]?.arrayValue)
            #expect(data.map { $0["id"]?.stringValue } == ["c1"] && data.map { $0["etag"]?.stringValue } == [tag])
            let listTag = try #require(list["etag"])
            let same = [("If-None-Match", listTag)]
            #expect(try await server.send("GET", "/v1/history", headers: same).head.status == 304)

            let current = [("If-Match", "\"\(tag)\"")]
            #expect(try await server.send("PUT", path, headers: current, body: #"{"title":"Two"}"#).head.status == 200)
            let (late, error) = try await server.send("PUT", path, headers: current, body: #"{"title":"Three"}"#)
            #expect(late.status == 412 && error.contains("precondition_failed_error"))
            #expect(try await server.send("DELETE", path, headers: current).head.status == 412)
            #expect(try await server.send("GET", "/v1/history", headers: same).head.status == 200)
            #expect(try await server.send("DELETE", path).head.status == 200)
            #expect(try await server.send("GET", path).head.status == 404)
        }
    }

    @Test(arguments: [
        ("/v1/history/c1", [], "{}", 400), ("/v1/history/c1", [("If-None-Match", "*")], "[]", 400),
        ("/v1/history/c1", [("If-None-Match", "*")], "{", 400),
        ("/v1/history/a%20b", [("If-None-Match", "*")], "{}", 400),
        ("/v1/history/c1", [("If-Match", "\"x\"")], "{}", 412),
        ("/v1/history/c1/files/f1", [], "bytes", 404),
    ])
    func aWriteThatBreaksARuleIsRefused(
        path: String, headers: [(String, String)], body: String, status: Int
    ) async throws {
        try await Self.withHistory(in: StateFolder()) { server async throws in
            let (head, text) = try await server.send("PUT", path, headers: headers, body: body)
            #expect(head.status == status && text.contains("\"message\":"))
            #expect(try await server.send("GET", "/v1/history").body.contains(#""data":[]"#))
        }
    }

    @Test func filesBelongToTheirChat() async throws {
        try await Self.withHistory(byteLimit: 40, in: StateFolder()) { server async throws in
            let chat = "/v1/history/c1"
            _ = try await server.send("PUT", chat, headers: [("If-None-Match", "*")], body: "{}")
            #expect(try await server.send("PUT", chat + "/files/f1", body: "picture").head.status == 200)
            let (head, bytes) = try await server.send("GET", chat + "/files/f1")
            #expect(head.status == 200 && bytes == "picture" && head["x-content-type-options"] == "nosniff")
            #expect(try await server.send("GET", "/v1/history").body.contains(#""files":["f1"]"#))
            let full = try await server.send("PUT", chat + "/files/f2", body: String(repeating: "x", count: 40))
            #expect(full.head.status == 507 && full.body.contains("--history-size"))
            #expect(try await server.send("DELETE", chat + "/files/f1").head.status == 200)
            #expect(try await server.send("GET", chat + "/files/f1").head.status == 404)
        }
    }

    @Test func aKeySeesItsOwnChatsOnly() async throws {
        try await Self.withHistory(keys: ["one", "two"], in: StateFolder()) { server async throws in
            let one = [("Authorization", "Bearer one")]
            let two = [("Authorization", "Bearer two")]
            _ = try await server.send("PUT", "/v1/history/c1", headers: one + [("If-None-Match", "*")], body: "{}")
            #expect(try await server.send("GET", "/v1/history/c1", headers: two).head.status == 404)
            #expect(try await server.send("DELETE", "/v1/history/c1", headers: two).head.status == 404)
            #expect(try await server.send("GET", "/v1/history", headers: two).body.contains(#""data":[]"#))
            #expect(try await server.send("GET", "/v1/history/c1", headers: one).head.status == 200)
            #expect(try await server.send("GET", "/v1/history").head.status == 401)
        }
    }

    @Test func withoutTheFlagTheRouteNamesIt() async throws {
        try await TestServer.run { server async throws in
            let (head, text) = try await server.send("GET", "/v1/history")
            #expect(head.status == 400 && text.contains("--history"))
            #expect(try await server.send("GET", "/props").body.contains(#""endpoint_history":false"#))
        }
        try await Self.withHistory(in: StateFolder()) { server async throws in
            #expect(try await server.send("GET", "/props").body.contains(#""endpoint_history":true"#))
        }
    }
}
