import Crypto
import Foundation
import MartletModels
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletDownloads

/// A file that differs at every offset of a range.
func sample(_ count: Int = 100_000) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
}

func digest(_ bytes: [UInt8]) -> String {
    SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
}

func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "downloads-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder.path)
}

@Suite struct DownloadTests {
    /// The waits that a download asked for, without waiting.
    private final class Waits: Sendable {
        let all = Mutex<[Duration]>([])
    }

    private func settings(_ port: Int, _ waits: Waits = Waits(), token: String? = nil) throws -> DownloadSettings {
        var settings = DownloadSettings(endpoint: try DownloadAddress("http://127.0.0.1:\(port)"))
        settings.rangeByteCount = 10_000
        settings.stallTimeout = .milliseconds(300)
        settings.token = token
        settings.sleep = { time in waits.all.withLock { $0.append(time) } }
        return settings
    }

    /// Downloads `/file` from a server with these answers.
    ///
    /// - Returns: the bytes of the file or the error, and the server with its requests.
    private func download(
        _ folder: String, digest: String? = nil, byteCount: UInt64? = nil, path: String = "/file.gguf",
        waits: Waits = Waits(),
        connections: Int = 4, _ answer: @escaping @Sendable (LyingServer.Request) -> LyingServer.Answer
    ) async throws -> (result: Result<[UInt8], DownloadError>, requests: [LyingServer.Request]) {
        let server = try await LyingServer(answer)
        var settings = try settings(server.port, waits)
        settings.connectionCount = connections
        let client = DownloadClient(settings)
        let item = DownloadItem(
            address: try DownloadAddress("http://127.0.0.1:\(server.port)\(path)"), path: folder + "/file.gguf",
            byteCount: byteCount, digest: digest)
        let download = FileDownload(item: item, client: client, onBytes: { _ in }, onBegin: { _, _ in }, onWait: {})
        var result: Result<[UInt8], DownloadError>
        do throws(DownloadError) {
            try await download.run()
            result = .success([UInt8](FileManager.default.contents(atPath: item.path) ?? Data()))
        } catch {
            result = .failure(error)
        }
        await client.shutDown()
        await server.shutDown()
        return (result, server.received)
    }

    private func error(_ result: Result<[UInt8], DownloadError>) -> String {
        if case .failure(let error) = result { error.description } else { "no error" }
    }

    @Test func aFileIsFetchedInRangesAndChecked() async throws {
        try await withFolder { folder in
            let file = sample()
            let (result, requests) = try await download(folder, digest: digest(file)) { $0.answer(file) }
            #expect(try result.get() == file)
            // One request for the facts, and ten ranges that are guarded by the version.
            #expect(requests.count == 11)
            #expect(requests.dropFirst().allSatisfy { $0.headers["if-range"] == "\"one\"" })
            #expect(requests.allSatisfy { $0.headers["accept-encoding"] == "identity" })
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file.gguf"])
        }
    }

    @Test func aServerWithoutRangesSendsTheWholeFile() async throws {
        try await withFolder { folder in
            let file = sample()
            let (result, requests) = try await download(folder) { _ in
                .response(200, [("Content-Length", "\(file.count)")], file)
            }
            #expect(try result.get() == file)
            #expect(requests.count == 2)
        }
    }

    @Test func twentyCutsFetchNoByteTwice() async throws {
        try await withFolder { folder in
            let file = sample()
            let cuts = Mutex(20)
            let (result, requests) = try await download(folder, digest: digest(file)) { request in
                guard let range = request.range, range.last > 0, range.last - range.first > 100,
                    cuts.withLock({ left in
                        left -= 1
                        return left >= 0
                    })
                else { return request.answer(file) }
                let part = Array(file[range.first..<range.first + 100])
                return .response(
                    206,
                    [
                        ("Content-Length", "\(range.last - range.first + 1)"),
                        ("Content-Range", "bytes \(range.first)-\(range.last)/\(file.count)"), ("ETag", "\"one\""),
                    ], part)
            }
            #expect(try result.get() == file)
            #expect(requests.count == 31)
        }
    }

    @Test func aPartOfAnEarlierDownloadContinues() async throws {
        try await withFolder { folder in
            let file = sample()
            let served = Mutex(0)
            // The server dies after six answers; the first download fails.
            let (first, _) = try await download(folder, connections: 1) { request in
                let count = served.withLock { count in
                    count += 1
                    return count
                }
                return count <= 6 ? request.answer(file) : .response(404, [("Content-Length", "0")], [])
            }
            #expect(error(first).contains("is not there (404)"))
            #expect(FileManager.default.fileExists(atPath: folder + "/file.gguf.part"))
            let (second, requests) = try await download(folder, digest: digest(file)) { $0.answer(file) }
            #expect(try second.get() == file)
            #expect(requests.count == 6, "the facts and five ranges")
        }
    }

    @Test func aChangedFileBeginsAgain() async throws {
        try await withFolder { folder in
            let (old, new) = (sample(), Array(sample().reversed()))
            let count = Mutex(0)
            let (result, _) = try await download(folder, digest: digest(new), connections: 1) { request in
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return number <= 4 ? request.answer(old) : request.answer(new, etag: "\"two\"")
            }
            #expect(try result.get() == new)
        }
    }

    @Test func aFileThatAlwaysChangesIsAnError() async throws {
        try await withFolder { folder in
            let file = sample()
            let count = Mutex(0)
            let (result, _) = try await download(folder) { request in
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return request.answer(file, etag: "\"\(number)\"")
            }
            #expect(error(result).contains("changed 4 times during the download"))
        }
    }

    @Test func aWrongHashDeletesThePart() async throws {
        try await withFolder { folder in
            let file = sample()
            let (result, _) = try await download(folder, digest: digest([1])) { $0.answer(file) }
            #expect(error(result).contains("has the SHA-256 \(digest(file))"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test func aWrongLengthIsAnErrorBeforeAnyRange() async throws {
        try await withFolder { folder in
            let file = sample()
            let (result, requests) = try await download(folder, byteCount: 5) { $0.answer(file) }
            #expect(error(result).contains("has 100000 bytes, and its repository states 5"))
            #expect(requests.count == 1)
        }
    }

    @Test func moreBytesThanStatedAndOtherRangesAreErrors() async throws {
        try await withFolder { folder in
            let file = sample()
            let (result, _) = try await download(folder) { request in
                guard let range = request.range, range.last > 0 else { return request.answer(file) }
                return .response(
                    206, [("Content-Range", "bytes 0-\(file.count - 1)/\(file.count)"), ("ETag", "\"one\"")], file)
            }
            #expect(
                error(result).contains("another range than the requested one") || error(result).contains("more bytes"))
        }
    }

    @Test func a416BeginsAgainAndThenFails() async throws {
        try await withFolder { folder in
            let file = sample()
            let (result, _) = try await download(folder) { request in
                guard let range = request.range, range.last > 0 else { return request.answer(file) }
                return .response(416, [("Content-Range", "bytes */7"), ("Content-Length", "0")], [])
            }
            #expect(error(result).contains("changed 4 times"))
        }
    }

    @Test func aSilentServerIsAskedAgain() async throws {
        try await withFolder { folder in
            let file = sample(20_000)
            let count = Mutex(0)
            let (result, _) = try await download(folder, digest: digest(file), connections: 1) { request in
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                guard number == 2, let range = request.range else { return request.answer(file) }
                return .stall(
                    206,
                    [
                        ("Content-Length", "\(range.last - range.first + 1)"),
                        ("Content-Range", "bytes \(range.first)-\(range.last)/\(file.count)"), ("ETag", "\"one\""),
                    ], Array(file[range.first..<range.first + 10]))
            }
            #expect(try result.get() == file)
        }
    }

    @Test func retryAfterIsHonoured() async throws {
        try await withFolder { folder in
            let file = sample(5_000)
            let waits = Waits()
            let count = Mutex(0)
            let (result, _) = try await download(folder, waits: waits) { request in
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return number == 1
                    ? .response(429, [("Retry-After", "7"), ("Content-Length", "0")], []) : request.answer(file)
            }
            #expect(try result.get() == file)
            #expect(waits.all.withLock { $0 } == [.seconds(7)])
        }
    }

    @Test func aServerThatOnlyFailsIsGivenUp() async throws {
        try await withFolder { folder in
            let waits = Waits()
            let (result, requests) = try await download(folder, waits: waits) { _ in
                .response(503, [("Content-Length", "0")], [])
            }
            #expect(error(result).contains("the server failed (503)"))
            #expect(requests.count == 8)
            #expect(waits.all.withLock { $0.first } == .milliseconds(500))
        }
    }

    @Test func compressedBodiesAreRefused() async throws {
        try await withFolder { folder in
            let (result, _) = try await download(folder) { _ in
                .response(200, [("Content-Length", "3"), ("Content-Encoding", "gzip")], [1, 2, 3])
            }
            #expect(error(result).contains("with the encoding 'gzip'"))
        }
    }

    @Test func aRedirectLoopEnds() async throws {
        try await withFolder { folder in
            let (result, requests) = try await download(folder) { request in
                .response(302, [("Location", request.path + "x"), ("Content-Length", "0")], [])
            }
            #expect(error(result).contains("redirects more than 5 times"))
            #expect(requests.count == 6)
        }
    }

    @Test func aRedirectToAPrivateAddressIsRefused() async throws {
        try await withFolder { folder in
            for target in ["http://169.254.169.254/x", "http://10.0.0.1/x", "http://[::1]:1/x", "http://localhost:1/x"]
            {
                let (result, _) = try await download(folder) { _ in
                    .response(302, [("Location", target), ("Content-Length", "0")], [])
                }
                #expect(error(result).contains("an address of a private network"), "\(target)")
            }
        }
    }
}
