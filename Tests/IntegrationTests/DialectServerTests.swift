import MartletJSON
import MartletPlatform
import MartletTestSupport
import NIOCore
import OrderedCollections
import Subprocess
import SystemPackage
import Testing

/// Messages and Responses against the real binary and a real model.
@Suite(.serialized, .timeLimit(.minutes(15))) struct DialectServerTests {
    @Test(arguments: ["dialects_sdk.py", "responses_socket.py"])
    func anthropicsAndOpenAIsClientsWorkUnchanged(name: String) async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/\(name)")
        try await Server.run { server in
            let result = try await Subprocess.run(
                .path(MartletProcess.repository.appending(".deps/python/bin/python")),
                arguments: [script.string, "http://127.0.0.1:\(server.port)"],
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let output = result.standardOutput
            #expect(output.hasSuffix("all checks passed\n"), "\(output)\(result.standardError)")
        }
    }

    /// A response whose last event a client has is found by the next server, though this one dies at that moment.
    @Test func aResponseSurvivesTheDeathOfItsServerAtItsEnd() async throws {
        let folder = StateFolder()
        let ids = LockedValue<[String]>([])
        for more in [[:], ["background": true]] as [JSONObject] {
            try await Server.run(["--state-dir", folder.path]) { server in
                var body: JSONObject = ["input": "What is 12 + 30?", "temperature": 0]
                body.merge(more) { $1 }
                let connection = try await server.openStream(.object(body), path: "/v1/responses")
                var text = ""
                while !text.contains("event: response.completed") {
                    text += String(decoding: try #require(try await connection.readBodyPart()), as: UTF8.self)
                }
                kill(server.processIdentifier, SIGKILL)
                let start = try #require(text.firstRange(of: #""resp_"#)).upperBound
                ids.set(ids.value + [String(text[start...].prefix(32))])
            }
        }
        try await Server.run(["--state-dir", folder.path]) { server in
            for id in ids.value {
                let (status, body) = try await server.get("/v1/responses/resp_\(id)")
                #expect(status == 200 && body.contains("\"completed\""))
            }
        }
        #expect(ids.value.count == 2)
    }

    /// A stream of each dialect, and what its client has received.
    private struct Reader: Sendable {
        var path: String
        var body: JSONObject
        var id = ""
        var events: [String] = []
        var lastID: String?

        /// Reads numbered events until the stream ends, the connection breaks, or so many are there.
        mutating func read(from server: Server, upTo limit: Int = .max) async throws {
            let connection = try await server.connect()
            do {
                try await connection.send(
                    "GET", "/v1/generations/\(id)/events", headers: lastID.map { [("Last-Event-ID", $0)] } ?? [])
                let head = try await connection.readHead()
                #expect(head.status == 200, "\(path)")
                while events.count < limit, let event = try await connection.readEvent() {
                    guard let line = event.split(separator: "\n").first(where: { $0.hasPrefix("id: ") }) else {
                        continue
                    }
                    lastID = String(line.dropFirst(4))
                    events.append(event)
                }
            } catch is RawConnectionError {
            } catch is ChannelError {
            } catch is IOError {
            }
            try? await connection.close()
        }
    }

    /// The server is killed while a stream of each dialect runs. The next server continues all of them: what a client
    /// has, and what it reads behind it, is what a client reads that never had a connection before.
    @Test func killingTheServerLosesNoStreamOfAnyDialect() async throws {
        let folder = StateFolder()
        let flags = ["--state-dir", folder.path, "--parallel", "7"]
        let messages: JSONValue = [["role": "user", "content": "Tell me a long story."]]
        let shared: JSONObject = ["stream": true, "temperature": 0, "ignore_eos": true]
        let options: JSONValue = ["num_predict": 150, "temperature": 0]
        let initial = [
            Reader(path: "/v1/chat/completions", body: ["messages": messages, "max_tokens": 150]),
            Reader(path: "/v1/completions", body: ["prompt": "Once", "max_tokens": 150]),
            Reader(path: "/completion", body: ["prompt": "Once", "n_predict": 150]),
            Reader(path: "/v1/messages", body: ["messages": messages, "max_tokens": 150]),
            Reader(path: "/v1/responses", body: ["input": messages, "max_output_tokens": 150]),
            Reader(path: "/api/chat", body: ["messages": messages, "options": options]),
            Reader(path: "/api/generate", body: ["prompt": "Once", "options": options]),
        ]
        let readers = LockedValue(initial)
        let status = try await Server.run(flags) { server in
            var begun = initial
            for index in begun.indices {
                let body = JSONValue.object(begun[index].body.merging(shared) { own, _ in own })
                let connection = try await server.connect()
                try await connection.send(
                    "POST", begun[index].path, headers: [("X-Stream-Resume", "1")], body: body.text)
                let head = try await connection.readHead()
                #expect(head.status == 200, "\(begun[index].path)")
                begun[index].id = try #require(head["x-generation-id"])
                try await connection.reset()
            }
            for index in begun.indices { try await begun[index].read(from: server, upTo: 6) }
            kill(server.processIdentifier, SIGKILL)
            readers.set(begun)
        }
        #expect(!status.isSuccess)
        try await Server.run(flags) { server in
            for var reader in readers.value {
                let before = reader.events.count
                try await reader.read(from: server)
                var again = reader
                again.events = []
                again.lastID = nil
                try await again.read(from: server)
                #expect(reader.events == again.events, "\(reader.path)")
                #expect(before >= 6 && reader.events.count > before, "\(reader.path)")
            }
        }
    }

    /// The worker, then the server is killed while a response runs over a WebSocket; its client gets every event.
    @Test func deathsLoseNoEventOfAResponseOverAWebSocket() async throws {
        let folder = StateFolder()
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/responses_socket_deaths.py")
        let result = try await Subprocess.run(
            .path(MartletProcess.repository.appending(".deps/python/bin/python")),
            arguments: [script.string, MartletProcess.path.string, folder.path],
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        #expect(
            result.standardOutput.hasSuffix("all checks passed\n"), "\(result.standardOutput)\(result.standardError)")
    }

    /// A stored response is continued by the next server.
    @Test func storedResponsesSurviveARestart() async throws {
        let folder = StateFolder()
        let arguments = ["--state-dir", folder.path, "--model-map", "gpt-*=fledgling", "--strict-model"]
        let first = LockedValue<JSONValue>(.null)
        try await Server.run(arguments) { server in
            let (status, body) = try await server.post(
                "/v1/responses", ["model": "gpt-5", "input": "What is 12 + 30?", "temperature": 0])
            #expect(status == 200)
            first.set(body)
            let other = try await server.post("/v1/responses", ["model": "another", "input": "Hello"])
            #expect(other.status == 404)
        }
        let id = try #require(first.value["id"]?.stringValue)
        try await Server.run(arguments) { server in
            let stored = try JSONParser.parse(Array(try await server.get("/v1/responses/\(id)").body.utf8))
            #expect(stored == first.value)
            let (status, body) = try await server.post(
                "/v1/responses",
                ["model": "gpt-5", "input": "Hello", "temperature": 0, "previous_response_id": .string(id)])
            #expect(status == 200 && body["status"] == "completed")
            let tokens = (first.value["usage"]?["total_tokens"]?.integerValue ?? 0)
            #expect((body["usage"]?["input_tokens"]?.integerValue ?? 0) > tokens / 2)
        }
    }
}
