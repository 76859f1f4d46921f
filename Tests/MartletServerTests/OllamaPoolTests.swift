import Foundation
import MartletJSON
import MartletModels
import MartletPool
import MartletTestSupport
import Synchronization
import Testing

/// Ollama's routes of a server with several models: lists of models that were never loaded, and downloads.
@Suite struct OllamaPoolTests {
    private static let name = "org/name:Q8_0"

    private func lines(_ body: String) throws -> [JSONValue] {
        try body.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
    }

    /// The whole body of a response.
    private func text(_ server: PoolServer, _ body: String) async throws -> (status: Int, body: String) {
        let connection = try await server.connect()
        try await connection.send("POST", "/api/pull", body: body)
        let head = try await connection.readHead()
        let text = try await connection.readBody()
        try await connection.close()
        return (head.status, text)
    }

    @Test func modelsThatWereNeverLoadedHaveTheFactsOfTheirFiles() async throws {
        let path = NSTemporaryDirectory() + "martlet-tags-\(UInt64.random(in: 0 ... .max)).gguf"
        _ = FileManager.default.createFile(
            atPath: path, contents: Data(count: 700),
            attributes: [.modificationDate: Date(timeIntervalSince1970: 86_400)])
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await PoolServer.run(["a"]) { definition in
            definition.model.paths = [path]
            definition.summary = ModelSummary(
                architecture: "qwen3", parameterCount: 9, byteCount: 600, quantization: "Q8_0",
                trainedContextLength: 40_960, capabilities: [.completion, .tools])
        } body: { server async throws in
            let tags = try await server.send("GET", "/api/tags").json["models"]?.arrayValue ?? []
            #expect(tags.count == 1 && tags.first?["size"] == 700)
            #expect(tags.first?["modified_at"] == "1970-01-02T00:00:00Z")
            let shown = try await server.send("POST", "/api/show", body: #"{"model":"a:latest"}"#).json
            #expect(shown["capabilities"] == ["completion", "tools"])
            #expect(shown["model_info"]?["qwen3.context_length"] == 40_960)
            #expect(server.models.loads.isEmpty)
        }
    }

    @Test func aPullReportsADownloadToItsEnd() async throws {
        let downloads = StagedDownloads()
        try await PoolServer.run(["a", Self.name], downloader: downloads, hidden: [Self.name]) { server async throws in
            let connection = try await server.connect()
            try await connection.send("POST", "/api/pull", body: #"{"model":"hf.co/org/name:q8_0"}"#)
            let head = try await connection.readHead()
            #expect(head.status == 200 && head["content-type"] == "application/x-ndjson")
            await downloads.waitForStart()
            downloads.report(3, of: 10)
            downloads.report(10, of: 10)
            server.models.show(Self.name)
            downloads.finish(problem: nil)
            let lines = try lines(try await connection.readBody())
            try await connection.close()
            #expect(lines.first == ["status": "pulling manifest"] && lines.last == ["status": "success"])
            #expect(lines.compactMap { $0["completed"]?.integerValue }.last == 10)
            #expect(lines.allSatisfy { $0["total"] == nil || $0["digest"] == .string(Self.name) })
            #expect(downloads.names == [Self.name])
            let list = try await server.send("GET", "/v1/models").json
            #expect(list["free_bytes"] == JSONValue(3 << 30 as UInt64))
            // The model is present now, under the name of the pull too.
            let again = try await text(server, #"{"model":"hf.co/org/name:Q8_0","stream":false}"#)
            #expect(try json(again.body) == ["status": "success"] && downloads.names.count == 1)
            let shown = try await server.send("POST", "/api/show", body: #"{"model":"hf.co/org/name:Q8_0"}"#)
            #expect(shown.status == 200)
        }
    }

    @Test func aFailedPullIsAnErrorOfItsForm() async throws {
        let downloads = StagedDownloads()
        try await PoolServer.run(["a"], downloader: downloads) { server async throws in
            for streams in [true, false] {
                async let reply = text(server, #"{"model":"org/name:Q8_0","stream":\#(streams)}"#)
                await downloads.waitForStart()
                downloads.finish(problem: "was not downloaded")
                let (status, body) = try await reply
                #expect(status == (streams ? 200 : 500))
                let last = try #require(try lines(body).last)
                #expect(last["error"]?.stringValue == "pull model 'org/name:Q8_0': it was not downloaded")
            }
        }
    }

    @Test(arguments: [
        ("POST", "/api/pull", #"{"model":"llama3.2"}"#, "hf.co/ORG/NAME"), ("POST", "/api/pull", "{}", "model"),
        ("POST", "/api/pull", #"{"model":"org/name"}"#, "--offline"), ("POST", "/api/create", "{}", "preset"),
        ("POST", "/api/copy", "{}", "--model-map"), ("POST", "/api/push", "{}", "uploads"),
        ("DELETE", "/api/delete", #"{"model":"a"}"#, "martlet rm"), ("POST", "/api/blobs/sha256:1", "x", "uploads"),
    ]) func refusalsNameTheWayThatExists(method: String, path: String, body: String, word: String) async throws {
        try await PoolServer.run(["a"]) { server async throws in
            let (status, json) = try await server.send(method, path, body: body)
            #expect(status == 400 && json["error"]?.stringValue?.contains(word) == true, "\(json)")
        }
    }
}

/// Downloads that a test begins, reports and ends.
final class StagedDownloads: ModelDownloader {
    private struct State {
        var names: [String] = []
        var report: (@Sendable (DownloadState) -> Void)?
    }
    private let state = Mutex(State())
    private let (starts, start) = AsyncStream.makeStream(of: Void.self)
    private let (ends, end) = AsyncStream.makeStream(of: String?.self)

    /// The names of all downloads so far.
    var names: [String] { state.withLock { $0.names } }
    let freeByteCount: UInt64? = 3 << 30

    func download(
        _ origins: [ModelOrigin], progress: @escaping @Sendable (DownloadState) -> Void
    ) async -> String? {
        state.withLock { state in
            state.names += origins.map(\.description)
            state.report = progress
        }
        start.yield()
        for await problem in ends { return problem }
        return "was cancelled"
    }

    /// Waits until a download has begun.
    func waitForStart() async { for await _ in starts { return } }

    /// Reports bytes of the download that runs.
    func report(_ done: UInt64, of total: UInt64) {
        state.withLock { $0.report }?(
            DownloadState(files: [
                DownloadState.File(address: "model.gguf", doneByteCount: done, totalByteCount: total)
            ]))
    }

    /// Ends the download that runs; nil = the files are complete.
    func finish(problem: String?) { end.yield(problem) }
}
