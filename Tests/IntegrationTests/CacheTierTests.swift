import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import Testing

/// Cached prefixes survive the death of a worker and a restart of the server.
@Suite(.serialized, .timeLimit(.minutes(15))) struct CacheTierTests {
    /// A conversation whose turns are texts.
    private static let beginning = String(repeating: "The swallow flies over the house and the river. ", count: 60)

    private func complete(_ prompt: String, _ server: Server) async throws -> (text: String, cached: Int, total: Int) {
        let body: JSONValue = ["prompt": .string(prompt), "n_predict": 8, "temperature": 0, "ignore_eos": true]
        let response = try await server.post("/completion", body).body
        let text = try #require(response["content"]?.stringValue)
        let cached = try #require(response["timings"]?["cache_n"]?.integerValue.map { Int($0) })
        let computed = try #require(response["timings"]?["prompt_n"]?.integerValue.map { Int($0) })
        return (text, cached, cached + computed)
    }

    private func files(_ folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?.filter { $0.hasSuffix(".kvstate") } ?? []
    }

    @Test func aKilledWorkerAndARestartCostNoCachedPrefix() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tiers-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let arguments = ["--cache-disk", folder]
        try await Server.run(arguments) { server in
            let first = try await complete(Self.beginning, server)
            #expect(first.cached == 0)
            try await server.wait { files(folder).count == 1 }
            let worker = try await server.worker()
            kill(worker, SIGKILL)
            try await server.wait { try await !server.workers().contains(worker) }
            let second = try await complete(Self.beginning + first.text + " And then", server)
            #expect(second.cached * 100 >= second.total * 95, "\(second)")
        }
        try await Server.run(arguments) { server in
            let third = try await complete(Self.beginning + "Also", server)
            #expect(third.cached * 100 >= third.total * 85, "\(third)")
        }
    }

    private func act(
        _ action: String, _ fileName: String? = nil, _ server: Server
    ) async throws -> (status: Int, body: JSONValue) {
        let body: JSONValue = fileName.map { ["filename": .string($0)] } ?? [:]
        return try await server.post("/slots/0?action=\(action)", body)
    }

    @Test func aSavedSlotIsRestoredHereAndInTheNextServer() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "slots-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Without a tier in memory, an erased prompt can come from the file alone.
        let arguments = ["--slot-save-path", folder, "--cache-ram", "0", "--parallel", "1"]
        try await Server.run(arguments) { server in
            let first = try await complete(Self.beginning, server)
            let saved = try await act("save", "chat.bin", server)
            #expect(saved.status == 200 && saved.body["filename"] == "chat.bin", "\(saved)")
            let count = try #require(saved.body["n_saved"]?.integerValue)
            #expect(count >= first.total)
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/chat.bin")
            #expect((attributes[.size] as? Int).map { Int64($0) } == saved.body["n_written"]?.integerValue)
            #expect(try await act("erase", nil, server).body["n_erased"]?.integerValue == count)

            let second = try await complete(Self.beginning, server)
            #expect(second.cached == 0 && second.text == first.text, "\(second)")
            _ = try await act("erase", nil, server)
            let restored = try await act("restore", "chat.bin", server)
            #expect(restored.status == 200 && restored.body["n_restored"]?.integerValue == count, "\(restored)")
            #expect(restored.body["n_read"] == saved.body["n_written"])
            let third = try await complete(Self.beginning + first.text + " And then", server)
            #expect(third.cached * 100 >= third.total * 95, "\(third)")

            for name in ["../chat.bin", "..", "a/b"] {
                let refused = try await act("save", name, server)
                #expect(refused.status == 400 && refused.body["error"]?["param"] == "filename", "\(name): \(refused)")
            }
            let missing = try await act("restore", "other.bin", server)
            #expect(missing.status == 400, "\(missing)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["chat.bin"])
        }
        try await Server.run(arguments) { server in
            #expect(try await act("restore", "chat.bin", server).status == 200)
            let next = try await complete(Self.beginning + "Also", server)
            #expect(next.cached * 100 >= next.total * 85, "\(next)")
        }
    }
}
