import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Testing

/// Real workers that run out of memory, and what the plan learns from real processes.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ModelMemoryTests {
    private static func chat(_ model: String) -> JSONValue {
        [
            "model": .string(model), "max_tokens": 4, "temperature": 0,
            "messages": [["role": "user", "content": "What is 12 + 30?"]],
        ]
    }

    private static func entry(_ model: String, _ server: Server) async throws -> JSONValue? {
        let list = try JSONParser.parse(Array(try await server.get("/v1/models").body.utf8))
        return list["data"]?.arrayValue?.first { $0["id"]?.stringValue == model }
    }

    #if os(Linux)
        /// The worker of `small` may allocate less than its context needs. Its load evicts the idle model, is repeated once, and
        /// fails by name; the other model serves again afterwards.
        @Test func aWorkerWithoutMemoryEvictsAnIdleModelOnceAndFailsByName() async throws {
            let folder = try ModelsFolder(["a"])
            let preset = folder.path + "/presets.ini"
            try """
            [*]
            ctx-size = 1024

            [small]
            model = \(folder.path)/a.gguf
            ctx-size = 262144
            worker-memory = 400
            """.write(toFile: preset, atomically: true, encoding: .utf8)
            let arguments = ["--models-preset", preset, "--models-dir", folder.path]
            try await Server.run(arguments) { server async throws in
                #expect(try await server.post("/v1/chat/completions", Self.chat("a")).status == 200)
                let before = try await Self.entry("a", server)
                let resident = before?["memory"]?["resident"]?.doubleValue ?? 0
                // The worker is a real process of more than 16 MiB, and the plan was made before it.
                #expect(resident > 16 * 1_048_576 && before?["memory"]?["plan"]?.arrayValue?.count ?? 0 >= 1)
                let (status, body) = try await server.post("/v1/chat/completions", Self.chat("small"))
                let message = body["error"]?["message"]?.stringValue ?? ""
                #expect(status == 500 && message.contains("memory"), "\(message)")
                #expect(server.log.lines(with: "loading").count { $0.contains("small") } == 2)
                let failed = try await Self.entry("small", server)?["status"]
                #expect(failed?["phase"] == "failed")
                #expect(failed?["error"]?.stringValue?.contains("its log ended with") == true)
                #expect(try await Self.entry("a", server)?["status"]?["phase"] == "unloaded")
                #expect(try await server.post("/v1/chat/completions", Self.chat("a")).status == 200)
            }
        }
    #endif

    #if os(Linux)
        /// The models with random weights that `scripts/setup` makes, and the demo model: five architectures.
        private static let measured = ["micro", "micro-swa", "micro-hybrid", "micro-mamba"]
        private static let folder = MartletProcess.repository.appending(".deps/test-models").string

        /// The plan of each model against the most memory that its process had, after a prompt that fills nine tenths of the
        /// context. `scripts/measure_memory.py` does the same with longer contexts and more models.
        @Test(.enabled(if: FileManager.default.fileExists(atPath: folder + "/micro-mamba.gguf")))
        func thePlanIsWithinATenthOfTheWorkersMemory() async throws {
            let names = Self.measured + ["fledgling"]
            try await Server.run(["--models-dir", Self.folder, "--ctx-size", "2048", "--parallel", "4"]) {
                server async throws in
                for name in names {
                    let text: JSONValue = [
                        "model": .string(name),
                        "content": .string(String(repeating: " the cat sat on a mat", count: 400)),
                    ]
                    let tokens = try await server.post("/tokenize", text).body["tokens"]?.arrayValue ?? []
                    try #require(tokens.count >= 1_843, "\(name) has \(tokens.count) tokens")
                    let request: JSONValue = [
                        "model": .string(name), "prompt": .array(Array(tokens.prefix(1_843))), "n_predict": 2,
                        "temperature": 0,
                    ]
                    #expect(try await server.post("/completion", request).status == 200)
                    let memory = try await Self.entry(name, server)?["memory"]
                    let plan = try #require(memory?["plan"]?.arrayValue?.first?.doubleValue)
                    let peak = try #require(memory?["peak"]?.doubleValue)
                    #expect((0.9...1.1).contains(plan / peak), "\(name): \(plan) planned, \(peak) used")
                    #expect(try await server.post("/models/unload", ["model": .string(name)]).status == 200)
                }
            }
        }
    #endif

    /// A refusal names the largest context that would fit, and so does the plan; a load with that context succeeds.
    @Test func aContextThatDoesNotFitNamesTheLargestThatDoes() async throws {
        let folder = try ModelsFolder(["a"])
        let preset = folder.path + "/presets.ini"
        try """
        [huge]
        model = \(folder.path)/a.gguf
        ctx-size = 2000000000
        """.write(toFile: preset, atomically: true, encoding: .utf8)
        try await Server.run(["--models-preset", preset]) { server async throws in
            let plan = try await server.post("/models/plan", ["model": "huge"]).body
            let length = try #require(plan["largest_context_length"]?.integerValue)
            #expect(plan["fits"] == false && length >= 256)
            let (status, body) = try await server.post("/v1/chat/completions", Self.chat("huge"))
            #expect(status == 400 && body["error"]?["code"] == "model_too_large")
            let message = body["error"]?["message"]?.stringValue ?? ""
            #expect(message.hasSuffix("the largest context that fits is --ctx-size \(length)"), "\(message)")
            #expect(try await server.workers().isEmpty)
        }
    }
}

/// A folder with copies of the demo model, which goes away with the test.
final class ModelsFolder: Sendable {
    let path = NSTemporaryDirectory() + "martlet-models-" + UUID().uuidString

    init(_ names: [String]) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for name in names { try FileManager.default.copyItem(atPath: Self.source, toPath: "\(path)/\(name).gguf") }
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    static let source = MartletProcess.repository.appending("Models/fledgling.Q8_0.gguf").string

    /// Adds a file whose tensors are cut off.
    func addBroken(_ name: String) throws {
        let data = try #require(FileManager.default.contents(atPath: Self.source))
        try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: "\(path)/\(name).gguf"))
    }
}
