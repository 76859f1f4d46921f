import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Subprocess
import Testing

/// Real servers with several models: copies of the demo model under other names.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ModelPoolTests {
    private static func chat(_ model: String, _ more: JSONObject = [:]) -> JSONValue {
        var members: JSONObject = [
            "model": .string(model), "max_tokens": 4, "temperature": 0,
            "messages": [["role": "user", "content": "What is 12 + 30?"]],
        ]
        for (name, value) in more { members[name] = value }
        return .object(members)
    }

    private static func status(_ model: String, _ server: Server) async throws -> JSONValue? {
        let list = try JSONParser.parse(Array(try await server.get("/v1/models").body.utf8))
        return list["data"]?.arrayValue?.first { $0["id"]?.stringValue == model }?["status"]
    }

    private static func phase(_ model: String, _ server: Server) async throws -> String? {
        try await status(model, server)?["phase"]?.stringValue
    }

    /// Room for one: all requests of three models are served, a file that cannot be loaded stops no other, and a model
    /// that is not there is named.
    @Test func requestsForThreeModelsShareTheRoomOfOne() async throws {
        let folder = try ModelsFolder(["a", "b", "c"])
        try folder.addBroken("broken")
        try await Server.run(["--models-dir", folder.path, "--models-max", "1", "-c", "2048"]) { server async throws in
            #expect(try await server.workers().isEmpty)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for model in ["a", "b", "a", "a", "c", "a", "b", "c"] {
                    group.addTask {
                        let (status, body) = try await server.post("/v1/chat/completions", Self.chat(model))
                        #expect(status == 200 && body["model"]?.stringValue == model)
                        #expect(body["usage"]?["completion_tokens"] == 4)
                    }
                }
                try await group.waitForAll()
            }
            let failed = try await server.post("/v1/chat/completions", Self.chat("broken"))
            #expect(failed.status == 500)
            #expect(failed.body["error"]?["message"]?.stringValue?.contains("broken") == true)
            #expect(try await Self.phase("broken", server) == "failed")
            let unknown = try await server.post("/v1/chat/completions", Self.chat("brocken"))
            #expect(unknown.status == 404)
            #expect(unknown.body["error"]?["message"]?.stringValue?.hasSuffix(#"did you mean "broken"?"#) == true)
            #expect(try await server.workers().count == 1)
            // A file that is copied into the folder can be used without a restart.
            try FileManager.default.copyItem(atPath: ModelsFolder.source, toPath: folder.path + "/late.gguf")
            #expect(try await server.post("/v1/chat/completions", Self.chat("late")).status == 200)
        }
    }

    /// The commands `load`, `ps` and `unload`, the sleep of an idle model and its wake, and a preset's settings.
    @Test func modelsSleepWakeAndFollowCommands() async throws {
        let folder = try ModelsFolder(["a"])
        let preset = folder.path + "/presets.ini"
        try """
        [*]
        ctx-size = 1024

        [small]
        model = \(folder.path)/a.gguf
        alias = tiny
        ctx-size = 512
        sleep-idle-seconds = 0
        """.write(toFile: preset, atomically: true, encoding: .utf8)
        try await Server.run(["--models-preset", preset, "--models-dir", folder.path]) { server async throws in
            let url = "http://127.0.0.1:\(server.port)"
            let load = try await MartletProcess.run(["load", "a", "--url", url])
            #expect(load.status == 0 && load.output == "a is loaded\n", "\(load.error)")
            let table = try await MartletProcess.run(["ps", "--url", url])
            #expect(table.status == 0 && table.output.contains("a ") && table.output.contains("ready"))
            let plan = try await MartletProcess.run(["load", "tiny", "--plan", "--json", "--url", url])
            #expect(plan.status == 0 && plan.output.contains(#""model":"small""#))
            let unload = try await MartletProcess.run(["unload", "a", "--url", url])
            #expect(unload.status == 0)
            try await server.wait { try await Self.phase("a", server) == "unloaded" }
            let unknown = try await MartletProcess.run(["load", "aa", "--url", url])
            #expect(unknown.status == 1 && unknown.error.contains("did you mean"))
            for _ in 0..<2 {
                let (status, body) = try await server.post("/v1/chat/completions", Self.chat("tiny"))
                #expect(status == 200 && body["model"] == "small")
                try await server.wait { try await Self.phase("small", server) == "sleeping" }
            }
            let list = try JSONParser.parse(Array(try await server.get("/v1/models").body.utf8))
            let small = list["data"]?.arrayValue?.first { $0["id"] == "small" }
            #expect(small?["context_length"] == 512 && small?["aliases"] == ["tiny"])
            // Looking does not wake it.
            #expect(try await server.get("/props?model=small").status == 200)
            #expect(try await Self.phase("small", server) == "sleeping")
        }
    }

    /// One worker is killed while the other streams; then the edge is killed, and the next one continues both streams.
    @Test func streamsOnTwoModelsOutliveTheirProcesses() async throws {
        let folder = try ModelsFolder(["a", "b"])
        let state = StateFolder()
        let arguments = ["--models-dir", folder.path, "-c", "2048", "--state-dir", state.path]
        let story: JSONValue = [
            "prompt": "A story", "max_tokens": 900, "ignore_eos": true, "temperature": 0, "cache_prompt": false,
        ]
        @Sendable func request(_ model: String, stream: Bool) -> String {
            guard case .object(var members) = story else { return "" }
            members["model"] = .string(model)
            members["stream"] = .bool(stream)
            return JSONValue.object(members).text
        }
        let ids = LockedValue<[String]>([])
        let expected = LockedValue("")
        try await Server.run(arguments) { server async throws in
            let (_, body) = try await server.request("POST", "/v1/completions", body: request("a", stream: false))
            let json = try JSONParser.parse(Array(body.utf8))
            expected.set(try #require(json["choices"]?.arrayValue?.first?["text"]?.stringValue))
            for model in ["a", "b"] {
                let connection = try await server.connect()
                try await connection.send(
                    "POST", "/v1/completions", headers: [("X-Stream-Resume", "1")],
                    body: request(model, stream: true))
                let head = try await connection.readHead()
                ids.set(ids.value + [try #require(head["x-generation-id"])])
                _ = try await connection.readEvent()
                try await connection.reset()
            }
            // The death of one worker delays no other model.
            let workers = try await server.workers()
            #expect(workers.count == 2)
            kill(try #require(workers.first), SIGKILL)
            kill(server.processIdentifier, SIGKILL)
        }
        try await Server.run(arguments) { server async throws in
            for id in ids.value {
                let path = "/v1/generations/\(id)/result?wait=300"
                try await server.wait { try await server.get(path).status == 200 }
                let json = try JSONParser.parse(Array(try await server.get(path).body.utf8))
                #expect(json["choices"]?.arrayValue?.first?["text"]?.stringValue == expected.value)
            }
        }
    }
}
