import MartletDownloads
import MartletJSON
import MartletModels
import MartletPlatform
import MartletPool
import Subprocess

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
        let arguments = ["pull", "--json-lines", "--ends-with-input", "--hf-repo", reference.description]
        let flags = isSandboxed ? [] : ["--no-sandbox"]
        var variables: [Environment.Key: String?] = [:]
        // Command lines are visible to all users, the environment is not.
        if let token { variables["HF_TOKEN"] = token }
        do {
            // The input stays open while this process lives; its end ends the child. A cancelled task ends it, too.
            // Its errors appear in the log of the server.
            let outcome = try await Subprocess.run(
                .path(executable), arguments: Arguments(arguments + flags), environment: .inherit.updating(variables),
                input: .inputWriter, output: .sequence,
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
            ) { execution in
                var lines = OutputLines()
                for try await chunk in execution.standardOutput {
                    for line in chunk.withUnsafeBytes({ lines.append($0) }) {
                        if let state = Self.state(line, reference) { progress(state) }
                    }
                }
                return 0
            }
            // The part remains on disk, so a later download continues it.
            if Task.isCancelled { return "was not downloaded: the download was cancelled" }
            return outcome.terminationStatus.isSuccess
                ? nil : "was not downloaded; the log of the server has the reason"
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
private struct OutputLines {
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
