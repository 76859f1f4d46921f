import Foundation
import MartletJSON
import MartletModels
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletDownloads

@Suite struct ModelDownloadTests {
    private func settings(_ port: Int, token: String? = nil) throws -> DownloadSettings {
        var settings = DownloadSettings(endpoint: try DownloadAddress("http://127.0.0.1:\(port)"))
        settings.rangeByteCount = 10_000
        settings.token = token
        settings.sleep = { _ in }
        return settings
    }

    @Test func twoDownloadsOfAFileFetchItOnce() async throws {
        try await withFolder { folder in
            let file = sample()
            let server = try await LyingServer { $0.answer(file) }
            var settings = try settings(server.port)
            settings.sleep = { _ in await Task.yield() }
            let client = DownloadClient(settings)
            let item = DownloadItem(
                address: try DownloadAddress("http://127.0.0.1:\(server.port)/f"), path: folder + "/f",
                digest: digest(file))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await FileDownload(
                            item: item, client: client, onBytes: { _ in }, onBegin: { _, _ in }, onWait: {}
                        ).run()
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.received.count == 11)
            await client.shutDown()
            await server.shutDown()
        }
    }

    @Test func aFileThatIsCompletedBeforeTheLockHasNoNewPart() async throws {
        try await withFolder { folder in
            let path = folder + "/f"
            try Data([1]).write(to: URL(fileURLWithPath: path))
            guard case .complete = try PartFile.lock(for: path) else {
                Issue.record("a new part was opened")
                return
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["f"])
        }
    }

    @Test func aRecordBesideAPartOfAnotherSizeIsAsNone() async throws {
        try await withFolder { folder in
            let path = folder + "/f"
            var left = PartRecord(etag: nil, byteCount: 20, rangeByteCount: 10)
            left.done = [0, 1]
            // The state after a process that died between the rename and the deletion of the record.
            try Data(left.json.text.utf8).write(to: URL(fileURLWithPath: path + ".part.json"))
            guard case .open(let part) = try PartFile.open(for: path) else {
                Issue.record("the part was not opened")
                return
            }
            let fresh = PartRecord(etag: nil, byteCount: 20, rangeByteCount: 10)
            #expect(try part.begin(fresh) == fresh)
        }
    }

    @Test func theTokenGoesToItsOriginOnly() async throws {
        try await withFolder { folder in
            let file = sample(1_000)
            let storage = try await LyingServer { $0.answer(file) }
            let port = storage.port
            let hub = try await LyingServer { _ in
                .response(302, [("Location", "http://127.0.0.1:\(port)/blob?sig=secret"), ("Content-Length", "0")], [])
            }
            let client = DownloadClient(try settings(hub.port, token: "hf_secret"))
            let item = DownloadItem(address: try DownloadAddress("http://127.0.0.1:\(hub.port)/f"), path: folder + "/f")
            try await FileDownload(item: item, client: client, onBytes: { _ in }, onBegin: { _, _ in }, onWait: {})
                .run()
            #expect(hub.received.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
            #expect(!storage.received.isEmpty && storage.received.allSatisfy { $0.headers["authorization"] == nil })
            await client.shutDown()
            await storage.shutDown()
            await hub.shutDown()
        }
    }

    @Test func messagesHaveNoQueryAndNoToken() throws {
        let address = try DownloadAddress("https://s3.example/file.gguf?X-Signature=secret")
        #expect(address.shownText == "https://s3.example/file.gguf")
        #expect(
            DownloadError.status(404, of: address.shownText, retryAfter: nil)?.description.contains("secret") == false)
    }

    @Test func aCancelledDownloadKeepsItsPart() async throws {
        try await withFolder { folder in
            let file = sample()
            let server = try await LyingServer { request in
                guard let range = request.range, range.first >= 50_000 else { return request.answer(file) }
                return .stall(206, [("Content-Range", "bytes \(range.first)-\(range.last)/\(file.count)")], [])
            }
            var settings = try settings(server.port)
            settings.stallTimeout = .seconds(60)
            settings.connectionCount = 1
            let client = DownloadClient(settings)
            let item = DownloadItem(
                address: try DownloadAddress("http://127.0.0.1:\(server.port)/f"), path: folder + "/f")
            let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
            let task = Task {
                try await FileDownload(
                    item: item, client: client, onBytes: { continuation.yield($0) }, onBegin: { _, _ in }, onWait: {}
                ).run()
            }
            var count = 0
            for await bytes in stream {
                count += bytes
                if count >= 50_000 { break }
            }
            task.cancel()
            await #expect(throws: DownloadError.self) { try await task.value }
            #expect(FileManager.default.fileExists(atPath: folder + "/f.part.json"))
            #expect(!FileManager.default.fileExists(atPath: folder + "/f"))
            await client.shutDown()
            await server.shutDown()
        }
    }

    @Test func aModelOfARepositoryHasTheLayoutOfTheCache() async throws {
        try await withFolder { folder in
            let commit = String(repeating: "ab", count: 20)
            let (first, second, projector) = (sample(30_000), sample(20_000), sample(1_000))
            let files = [
                ("m-Q4_0-00001-of-00002.gguf", first), ("m-Q4_0-00002-of-00002.gguf", second),
                ("mmproj-F16.gguf", projector),
            ]
            let list = files.map { name, bytes in
                #"{"type":"file","path":"\#(name)","oid":"x","lfs":{"oid":"\#(digest(bytes))","size":\#(bytes.count)}}"#
            }.joined(separator: ",")
            let server = try await LyingServer { request in
                func json(_ text: String) -> LyingServer.Answer {
                    .response(200, [("Content-Length", "\(text.utf8.count)")], Array(text.utf8))
                }
                if request.path == "/api/models/org/m/refs" {
                    return json(#"{"branches":[{"name":"main","targetCommit":"\#(commit)"}]}"#)
                }
                if request.path.hasPrefix("/api/models/org/m/tree/\(commit)") { return json("[\(list)]") }
                let name = request.path.split(separator: "/").last.map(String.init) ?? ""
                guard let file = files.first(where: { $0.0 == name }) else {
                    return .response(404, [("Content-Length", "0")], [])
                }
                return request.answer(file.1)
            }
            let cache = HubCache(folder: folder)
            let download = ModelDownload(try settings(server.port))
            let reference = try #require(HubReference("org/m:q4_0"))
            let result = try await download.fetch(reference, file: nil, into: cache)
            #expect(result.paths.count == 2 && result.projectorPath != nil)
            #expect([UInt8](FileManager.default.contents(atPath: result.paths[1]) ?? Data()) == second)
            let models = cache.models()
            #expect(models.map(\.name) == ["org/m:Q4_0"])
            #expect(models[0].paths == result.paths && models[0].projectorPath == result.projectorPath)
            let before = server.received.count
            _ = try await download.fetch(reference, file: nil, into: cache)
            #expect(server.received.count == before + 2, "complete files are not fetched again")
            do {
                _ = try await download.fetch(try #require(HubReference("org/m:Q8_0")), file: nil, into: cache)
                Issue.record("a quantization that is not there")
            } catch {
                #expect("\(error)" == "org/m has no file with Q8_0; it has Q4_0")
            }
            await server.shutDown()
        }
    }
}
