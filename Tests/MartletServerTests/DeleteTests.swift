import Foundation
import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// Deleted generations no longer exist in memory, on the disk, or for a later server.
@Suite(.timeLimit(.minutes(15))) struct DeleteTests {
    private let state = StateFolder()
    private static let label = ("X-Conversation-Id", "talk")

    private func run(_ script: FakeEngine.Script, _ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run(script: script) { configuration in
            configuration.journal = JournalConfiguration(path: state.path)
            configuration.journal?.isRequired = true
        } body: {
            try await body($0)
        }
    }

    /// - Parameter target: `id`, or a path by label.
    private func path(_ target: String, _ id: String) -> String { target == "id" ? "/v1/generations/\(id)" : target }

    /// No route finds the generation.
    private func expectGone(_ id: String, _ server: TestServer) async throws {
        for path in ["", "/events", "/result", "/timing"] {
            #expect(try await server.send("GET", "/v1/generations/\(id)\(path)").head.status == 404, "\(path)")
        }
        #expect(try await server.send("DELETE", "/v1/generations/\(id)").head.status == 404)
        #expect(try await server.send("GET", "/v1/stream?conv_id=talk").head.status == 404)
        #expect(try await server.send("DELETE", "/v1/stream?conv_id=talk").head.status == 204)
        let lookup = try await server.send("POST", "/v1/streams/lookup", body: #"{"conversation_ids":["talk"]}"#)
        #expect(lookup.body == "[]")
        #expect(try await server.send("GET", "/v1/generations").body == #"{"object":"list","data":[]}"#)
        let response = try await server.send("POST", "/v1/generations/\(id)/control", body: #"{"action":"status"}"#)
        #expect(response.head.status == 404)
    }

    @Test(arguments: ["id", "/v1/stream?conv_id=talk", "/v1/stream/talk"])
    func endedGenerationIsRemovedForGood(target: String) async throws {
        var id = ""
        try await run(.complete(["a", "b"])) { server in
            let (connection, head) = try await server.open([Self.label])
            id = try #require(head["x-generation-id"])
            _ = try await connection.readEvents()
            #expect(try await server.send("GET", "/v1/generations/\(id)/result").head.status == 200)
            let (deleted, body) = try await server.send("DELETE", path(target, id))
            // A later server finds nothing, even if this server is killed now.
            #expect(state.files.isEmpty)
            #expect(deleted.status == (target == "id" ? 200 : 204))
            if target == "id" {
                #expect(try json(body)["deleted"] == true)
                #expect(try json(body)["state"] == "finished")
                #expect(try json(body)["finished"]?.integerValue != nil)
            }
            try await expectGone(id, server)
        }
        try await run(.hold) { server in try await expectGone(id, server) }
        #expect(state.files.isEmpty && state.aside.isEmpty)
    }

    @Test(arguments: ["id", "/v1/stream?conv_id=talk"])
    func runningGenerationIsStoppedThenRemoved(target: String) async throws {
        var id = ""
        try await run(.admit) { server in
            let (reader, head) = try await server.open([Self.label])
            id = try #require(head["x-generation-id"])
            server.engine.step([await server.engine.request(0).handle], text: "a")
            let (_, body) = try await server.send("DELETE", path(target, id))
            #expect(state.files.isEmpty)
            if target == "id" { #expect(try json(body)["deleted"] == false) }
            #expect(try content(of: try await reader.readEvents()) == "a")
            // Its tail can still be read by label and by id.
            #expect(try await server.send("GET", "/v1/stream?conv_id=talk").body.hasSuffix("data: [DONE]\n\n"))
            #expect(try await server.send("GET", "/v1/generations/\(id)/result").head.status == 200)
            let status = try await server.send("DELETE", path(target, id)).head.status
            #expect(status == (target == "id" ? 200 : 204))
            try await expectGone(id, server)
        }
        try await run(.hold) { server in try await expectGone(id, server) }
    }

    @Test func failedRemovalFromTheDiskIsAnErrorAndCanBeRepeated() async throws {
        try await run(.complete(["a"])) { server in
            let (connection, head) = try await server.open([Self.label])
            let id = try #require(head["x-generation-id"])
            _ = try await connection.readEvents()
            let name = try #require(state.files.first)
            let path = "\(state.path)/streams/\(name)"
            // A folder with the name of the file cannot be unlinked.
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            let (refused, text) = try await server.send("DELETE", "/v1/generations/\(id)")
            #expect(refused.status == 500)
            #expect(text.contains("could not be removed from the disk"))
            #expect(!text.contains(state.path))
            #expect(try await server.send("GET", "/v1/generations/\(id)/result").head.status == 200)
            try FileManager.default.removeItem(atPath: path)
            #expect(try await server.send("DELETE", "/v1/generations/\(id)").head.status == 200)
            try await expectGone(id, server)
        }
    }
}
