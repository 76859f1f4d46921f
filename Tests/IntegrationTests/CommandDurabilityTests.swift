import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Testing

/// A paused generation applies each control command, also in the server that starts after a crash.
@Suite(.timeLimit(.minutes(15))) struct CommandDurabilityTests {
    private static let request: JSONValue = [
        "messages": [["role": "user", "content": "Tell me a story about a fox."]], "max_tokens": 400, "stream": true,
        "ignore_eos": true, "temperature": 1.1, "seed": 3,
    ]

    /// Begins a chat, pauses it after some tokens, and closes the connection.
    private static func begin(_ server: Server) async throws -> String {
        let connection = try await server.connect()
        try await connection.send(
            "POST", "/v1/chat/completions", headers: [("X-Stream-Resume", "1")], body: request.text)
        let head = try await connection.readHead()
        let id = try #require(head["x-generation-id"])
        for _ in 0..<8 { _ = try await connection.readEvent() }
        _ = try await sendCommand(server, id, ["action": "pause"])
        try await connection.reset()
        // The number of generated tokens differs from run to run; the rewind makes it equal.
        _ = try await sendCommand(server, id, ["action": "rewind", "to_token": 5])
        return id
    }

    private static func sendCommand(_ server: Server, _ id: String, _ body: JSONValue) async throws -> JSONValue {
        let (status, reply) = try await server.post("/v1/generations/\(id)/control", body)
        #expect(status == 200, "\(body.text): \(reply.text)")
        return reply
    }

    private static func result(_ server: Server, _ id: String) async throws -> JSONValue {
        let (status, body) = try await server.get("/v1/generations/\(id)/result?wait=60")
        #expect(status == 200, "\(body)")
        return try #require(try JSONParser.parse(Array(body.utf8))["choices"]?.arrayValue?.first?["message"])
    }

    /// Sends all control commands, and waits for the results of the generation and of its fork.
    private static func finish(_ server: Server, _ id: String) async throws -> [JSONValue] {
        let forked = try await sendCommand(server, id, ["action": "fork", "changes": ["seed": 9]])
        _ = try await sendCommand(server, id, ["action": "rewind", "to_token": 3])
        _ = try await sendCommand(server, id, ["action": "inject", "content": " stones and rivers"])
        _ = try await sendCommand(
            server, id, ["action": "inject", "role": "user", "content": "And then?", "when": "now"])
        _ = try await sendCommand(server, id, ["action": "resume"])
        let fork = try #require(forked["ids"]?.arrayValue?.first?.stringValue)
        return [try await result(server, id), try await result(server, fork)]
    }

    @Test func commandsAfterACrashActAsBeforeIt() async throws {
        let flags = ["--parallel", "2"]
        let wanted = LockedValue<[JSONValue]>([])
        try await Server.run(flags) { server in
            wanted.set(try await Self.finish(server, try await Self.begin(server)))
        }
        #expect(wanted.value.count == 2)
        let state = StateFolder()
        let id = LockedValue("")
        try await Server.run(flags + ["--state-dir", state.path]) { server in
            id.set(try await Self.begin(server))
            kill(server.processIdentifier, SIGKILL)
        }
        try await Server.run(flags + ["--state-dir", state.path]) { server in
            let found = try await Self.finish(server, id.value)
            #expect(found == wanted.value)
        }
    }
}
