import MartletDownloads
import MartletJSON
import MartletModels
import MartletPlatform
import MartletPool

/// Downloads models in child processes (`martlet pull`), which have the network and nothing else of the server.
struct ChildDownloader: ModelDownloader {
    /// The program itself.
    let executable: FilePath
    /// The token for private repositories; `nil` = the variable `HF_TOKEN`.
    let token: String?
    /// Whether the child gives up all rights but those for its connections and its folders.
    var isSandboxed = true

    /// Runs one child to its end. Its last line on standard error is the reason of a failure.
    func download(
        _ reference: HubReference, progress: @escaping @Sendable (DownloadState) -> Void
    ) async -> String? {
        do {
            let child = PullProcess(executable: executable, token: token)
            let arguments = ["--json-lines", "--hf-repo", reference.description]
            let outcome = try await child.run(
                arguments + (isSandboxed ? [] : ["--no-sandbox"]), into: OutputLines()
            ) { lines, chunk in
                for line in lines.append(chunk) {
                    if let state = Self.state(line, reference) { progress(state) }
                }
                return true
            }
            if Task.isCancelled { return "was not downloaded: the download was cancelled" }
            return outcome.isDone ? nil : "was not downloaded; the log of the server has the reason"
        } catch {
            return "was not downloaded: the download cannot be started: \(error)"
        }
    }

    /// The progress in a line `{"file":…,"done":…,"total":…}`; `nil` for other lines.
    static func state(_ line: [UInt8], _ reference: HubReference) -> DownloadState? {
        guard let json = try? JSONParser.parse(line), let done = json["done"]?.integerValue,
            let total = json["total"]?.integerValue, done >= 0, total >= 0
        else { return nil }
        return DownloadState(files: [
            DownloadState.File(
                address: json["file"]?.stringValue ?? reference.description, doneByteCount: UInt64(done),
                totalByteCount: UInt64(total))
        ])
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
