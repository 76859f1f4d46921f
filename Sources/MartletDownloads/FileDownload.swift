internal import AsyncHTTPClient
internal import MartletPlatform
import MartletText
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// A file to fetch.
package struct DownloadItem: Sendable, Equatable {
    package var address: DownloadAddress
    /// The path of the complete file.
    package var path: String
    /// The stated size; `nil` = as the server says.
    package var byteCount: UInt64?
    /// The stated SHA-256 in hexadecimal digits; `nil` = not stated.
    package var digest: String?

    /// Creates an item.
    package init(address: DownloadAddress, path: String, byteCount: UInt64? = nil, digest: String? = nil) {
        self.address = address
        self.path = path
        self.byteCount = byteCount
        self.digest = digest
    }
}

/// Fetches one file: in ranges at the same time, with resume, retries and checks.
///
/// The states of the file on disk are `NAME.part` with its record, and `NAME`. A process that dies at any moment leaves
/// one of them.
struct FileDownload: Sendable {
    /// The file and its stated facts.
    let item: DownloadItem
    let client: DownloadClient
    /// Called with the number of new bytes; a negative number for bytes that are fetched again.
    let onBytes: @Sendable (Int) -> Void
    /// Called once with the complete size and the bytes that the part has.
    let onBegin: @Sendable (_ byteCount: UInt64, _ done: UInt64) -> Void
    /// Called when another process downloads the same file.
    let onWait: @Sendable () -> Void

    /// The largest number of times that the server's file may change during one download.
    private static let maximumRestarts = 3
    /// The time between two looks at a part of another process.
    private static let busyPause: Duration = .milliseconds(500)

    /// Fetches the file unless it exists. Returns when it is complete and checked.
    func run() async throws(DownloadError) {
        let folder = item.path.lastIndex(of: "/").map { String(item.path[..<$0]) } ?? "."
        try Self.makeFolder(folder)
        var restarts = 0
        while true {
            let part: PartFile
            switch try PartFile.open(for: item.path) {
            case .complete: return
            case .busy:
                onWait()
                try await client.wait(Self.busyPause)
                continue
            case .open(let opened): part = opened
            }
            do throws(DownloadError) {
                try await fetch(into: part, folder)
                return
            } catch {
                guard case .changed = error.kind else { throw error }
                restarts += 1
                part.discard()
                guard restarts <= Self.maximumRestarts else {
                    throw DownloadError("\(item.address.shownText) changed \(restarts) times during the download")
                }
            }
        }
    }

    /// Creates a folder and its parents.
    static func makeFolder(_ path: String) throws(DownloadError) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        let code = errno
        guard code == ENOENT, let mark = path.lastIndex(of: "/"), mark > path.startIndex else {
            throw DownloadError("\(path) cannot be created: \(String(cString: strerror(code)))")
        }
        try makeFolder(String(path[..<mark]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw DownloadError("\(path) cannot be created: \(String(cString: strerror(errno)))")
        }
    }

    // MARK: Facts

    /// The server's facts about the file.
    private struct Facts {
        var byteCount: UInt64
        /// The version; `nil` if the server states none.
        var etag: String?
        /// Whether the server answers with parts of the file.
        var hasRanges: Bool
        /// The SHA-256 that Hugging Face states beside a redirect.
        var digest: String?
    }

    /// Requests one byte, which shows size, version, and whether ranges work.
    private func facts() async throws(DownloadError) -> Facts {
        var failures = 0
        while true {
            do throws(DownloadError) {
                let reply = try await client.get(item.address, [("Range", "bytes=0-0")])
                try checkEncoding(reply)
                let digest = reply.linkedTag.map { $0.filter { $0 != "\"" } }.flatMap { $0.utf8.count == 64 ? $0 : nil }
                let etag = reply.header("ETag")
                if reply.response.status.code == 206 {
                    guard let range = reply.header("Content-Range").flatMap(ContentRange.init), range.first == 0,
                        range.last == 0
                    else {
                        throw DownloadError("\(reply.shownAddress) answers a request for one byte with another range")
                    }
                    return Facts(byteCount: range.total, etag: etag, hasRanges: true, digest: digest)
                }
                guard let length = reply.header("Content-Length").flatMap({ UInt64($0) }) else {
                    throw DownloadError("\(reply.shownAddress) does not state its length")
                }
                return Facts(byteCount: length, etag: etag, hasRanges: false, digest: digest)
            } catch {
                // An empty file has no first byte.
                if case .changed = error.kind { throw DownloadError("\(item.address.shownText) is empty") }
                failures += 1
                guard let pause = client.settings.retries.pause(after: error, failureCount: failures) else {
                    throw error
                }
                try await client.wait(pause)
            }
        }
    }

    /// Refuses a body that is not the file's bytes, e.g. a compressed one.
    private func checkEncoding(_ reply: DownloadClient.Reply) throws(DownloadError) {
        guard let encoding = reply.header("Content-Encoding"), encoding.lowercased() != "identity" else { return }
        throw DownloadError(
            "\(reply.shownAddress) sends the file with the encoding '\(encoding.excerpt(bytes: 32))', which changes its bytes"
        )
    }

    // MARK: Ranges

    /// Fetches the missing ranges of a part, checks the whole, and gives the file its name.
    private func fetch(into part: PartFile, _ folder: String) async throws(DownloadError) {
        let facts = try await facts()
        if let stated = item.byteCount, stated != facts.byteCount {
            throw DownloadError(
                "\(item.address.shownText) has \(facts.byteCount) bytes, and its repository states \(stated)")
        }
        guard facts.byteCount > 0 else { throw DownloadError("\(item.address.shownText) is empty") }
        let fresh = PartRecord(
            etag: facts.etag, byteCount: facts.byteCount,
            rangeByteCount: facts.hasRanges ? client.settings.rangeByteCount : facts.byteCount)
        let record = try part.begin(fresh)
        let missing = facts.byteCount - record.doneByteCount
        if let violation = DiskSpace.violation(missing, available: DiskSpace.available(in: folder), in: folder) {
            throw violation
        }
        onBegin(facts.byteCount, record.doneByteCount)
        let queue = RangeQueue(record.missing)
        let connections = facts.hasRanges ? max(1, min(client.settings.connectionCount, record.missing.count)) : 1
        let results = await withTaskGroup(of: DownloadError?.self) { group in
            for _ in 0..<connections {
                group.addTask { await fetchRanges(queue, record, facts.hasRanges, part) }
            }
            var first: DownloadError?
            for await error in group {
                guard let error, first == nil else { continue }
                first = error
                group.cancelAll()
            }
            return first
        }
        if let error = results { throw error }
        try check(part, item.digest ?? facts.digest)
        try part.finish(as: item.path)
    }

    /// Fetches ranges until none is left.
    ///
    /// - Returns: the error that ended the work; `nil` = no range is left.
    private func fetchRanges(
        _ queue: RangeQueue, _ record: PartRecord, _ hasRanges: Bool, _ part: PartFile
    ) async -> DownloadError? {
        do throws(DownloadError) {
            while let range = queue.next() {
                try await fetch(range, record, hasRanges, part)
                try part.complete(range)
            }
            return nil
        } catch {
            return error
        }
    }

    /// Fetches one range. A cut continues at the byte where it happened; attempts without any byte are counted.
    private func fetch(
        _ range: Int, _ record: PartRecord, _ hasRanges: Bool, _ part: PartFile
    ) async throws(DownloadError) {
        let bounds = record.bounds(of: range)
        var position = bounds.lowerBound
        var failures = 0
        while position <= bounds.upperBound {
            let before = position
            do throws(DownloadError) {
                try await read(&position, bounds, record, hasRanges, part)
            } catch {
                if position > before { failures = 0 }
                if !hasRanges, position > bounds.lowerBound {
                    // Without ranges the file begins again.
                    onBytes(-Int(clamping: position - bounds.lowerBound))
                    position = bounds.lowerBound
                }
                failures += 1
                guard let pause = client.settings.retries.pause(after: error, failureCount: failures) else {
                    throw error
                }
                try await client.wait(pause)
            }
        }
    }

    /// Sends one request and writes its body.
    ///
    /// - Parameter position: the next byte to fetch; it advances with each write.
    private func read(
        _ position: inout UInt64, _ bounds: ClosedRange<UInt64>, _ record: PartRecord, _ hasRanges: Bool,
        _ part: PartFile
    ) async throws(DownloadError) {
        var headers: [(String, String)] = []
        if hasRanges {
            headers.append(("Range", "bytes=\(position)-\(bounds.upperBound)"))
            if let etag = record.etag, EntityTag.isStrong(etag) { headers.append(("If-Range", etag)) }
        }
        let reply = try await client.get(item.address, headers)
        try checkEncoding(reply)
        if let known = record.etag, let tag = reply.header("ETag"),
            EntityTag.comparable(known) != EntityTag.comparable(tag)
        {
            throw DownloadError(.changed, "\(reply.shownAddress) has changed")
        }
        if hasRanges {
            // The whole file instead of a range means that it has changed.
            guard reply.response.status.code == 206 else {
                throw DownloadError(.changed, "\(reply.shownAddress) has changed")
            }
            guard let range = reply.header("Content-Range").flatMap(ContentRange.init), range.first == position,
                range.last <= bounds.upperBound
            else { throw DownloadError("\(reply.shownAddress) answers with another range than the requested one") }
            guard range.total == record.byteCount else {
                throw DownloadError(.changed, "\(reply.shownAddress) has changed")
            }
        }
        do {
            for try await buffer in reply.response.body {
                let count = UInt64(buffer.readableBytes)
                guard count <= bounds.upperBound - position + 1 else {
                    throw DownloadError("\(reply.shownAddress) sends more bytes than it states")
                }
                let offset = position
                try buffer.withUnsafeReadableBytes { bytes in try part.write(bytes, at: offset) }
                position += count
                onBytes(Int(count))
                if position > bounds.upperBound { break }
            }
        } catch let error as DownloadError {
            throw error
        } catch {
            throw DownloadClient.failure(error, reply.shownAddress, client.settings.stallTimeout)
        }
        guard position > bounds.upperBound else {
            throw DownloadError(.temporary(after: nil), "\(reply.shownAddress): the connection was cut")
        }
    }

    /// Compares the SHA-256. A wrong file is deleted, because no attempt could repair it.
    private func check(_ part: PartFile, _ expected: String?) throws(DownloadError) {
        guard let expected else { return }
        let actual = try part.digest()
        guard actual == expected.lowercased() else {
            part.discard()
            throw DownloadError(
                "\(item.address.shownText) has the SHA-256 \(actual), and \(expected) was expected; the part was deleted"
            )
        }
    }
}

/// The ranges that are not fetched yet. Thread: any.
private final class RangeQueue: Sendable {
    private let ranges: Mutex<[Int]>

    /// Creates a queue of ranges in ascending order.
    init(_ ranges: [Int]) { self.ranges = Mutex(ranges.reversed()) }

    /// Removes the first range; `nil` = none is left.
    func next() -> Int? { ranges.withLock { $0.popLast() } }
}
