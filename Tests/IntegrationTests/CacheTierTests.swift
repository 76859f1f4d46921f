import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import Testing

/// Cached prefixes survive the death of a worker and a restart of the server.
@Suite(.serialized, .timeLimit(.minutes(3))) struct CacheTierTests {
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
}
