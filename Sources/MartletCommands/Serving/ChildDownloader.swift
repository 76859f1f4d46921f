import Logging
import MartletDownloads
import MartletJSON
import MartletModels
import MartletPlatform
import MartletPool
import MartletText
import Synchronization

/// Downloads models in child processes (`martlet pull`), which have the network and nothing else of the server.
struct ChildDownloader: ModelDownloader {
    /// The program itself.
    let executable: FilePath
    /// The token for private repositories; `nil` = the variable `HF_TOKEN`.
    let token: String?
    /// Whether the child gives up all rights but those for its connections and its folders.
    var isSandboxed = true
    /// Receives the lines of the child for people.
    let logger: Logger
    /// The folder of downloads; `nil` without a home folder.
    var folder: String?

    var freeByteCount: UInt64? { folder.flatMap(DiskSpace.available) }

    /// Runs one child after the other. The bytes of all origins are one progress.
    func download(
        _ origins: [ModelOrigin], progress: @escaping @Sendable (DownloadState) -> Void
    ) async -> String? {
        let files = Mutex<[DownloadState.File]>([])
        for (index, origin) in origins.enumerated() {
            let problem = await download(origin) { file in
                let all = files.withLock { files in
                    if files.indices.contains(index) { files[index] = file } else { files.append(file) }
                    return files
                }
                progress(DownloadState(files: all))
            }
            if let problem { return problem }
        }
        return nil
    }

    /// Runs one child to its end. The last line of its standard error is the reason of a failure.
    private func download(
        _ origin: ModelOrigin, progress: @escaping @Sendable (DownloadState.File) -> Void
    ) async -> String? {
        do {
            let child = PullProcess(executable: executable, token: token)
            let lastLine = Mutex("")
            let outcome = try await child.run(
                Self.arguments(origin) + (isSandboxed ? [] : ["--no-sandbox"]), into: OutputLines(),
                log: { [logger] line in
                    let text = String(line.trimmingPrefix("martlet: "))
                    logger.info("\(text)", metadata: ["model": "\(origin)"])
                    lastLine.withLock { $0 = text }
                }
            ) { lines, chunk in
                for line in lines.append(chunk) {
                    if let file = Self.file(line, origin) { progress(file) }
                }
                return true
            }
            if Task.isCancelled { return "was not downloaded: the download was cancelled" }
            let reason = lastLine.withLock { $0 }.excerpt(bytes: 400)
            return outcome.isDone ? nil : "was not downloaded: \(reason.isEmpty ? "its process ended" : reason)"
        } catch {
            return "was not downloaded: the download cannot be started: \(error)"
        }
    }

    /// The arguments of `martlet pull` for an origin.
    static func arguments(_ origin: ModelOrigin) -> [String] {
        switch origin {
        case .repository(let reference, let file):
            ["--json-lines", "--hf-repo=\(reference)"] + (file.map { ["--hf-file=\($0)"] } ?? [])
        case .address(let address): ["--json-lines", "--model-url=\(address)"]
        }
    }

    /// The progress in a line `{"file":…,"done":…,"total":…}`; `nil` for other lines.
    static func file(_ line: [UInt8], _ origin: ModelOrigin) -> DownloadState.File? {
        guard let json = try? JSONParser.parse(line), let done = json["done"]?.integerValue,
            let total = json["total"]?.integerValue, done >= 0, total >= 0
        else { return nil }
        return DownloadState.File(
            address: json["file"]?.stringValue ?? origin.description, doneByteCount: UInt64(done),
            totalByteCount: UInt64(total))
    }
}

/// The lines of an output that arrives in chunks.
private struct OutputLines: Sendable {
    /// The longest line; further bytes are dropped.
    private static let maximumByteCount = 1 << 16
    /// The line that has not ended.
    private var line: [UInt8] = []

    /// Consumes a chunk.
    /// - Returns: The lines that end in it, without their line breaks.
    mutating func append(_ chunk: UnsafeRawBufferPointer) -> [[UInt8]] {
        var ended: [[UInt8]] = []
        for byte in chunk {
            if byte == UInt8(ascii: "\n") {
                ended.append(line)
                line = []
            } else if line.count < Self.maximumByteCount {
                line.append(byte)
            }
        }
        return ended
    }
}
