package import MartletJSON
package import MartletModels
package import MartletPool

/// The lines of `/api/pull`, from the changes of the pool.
///
/// Ollama's clients draw a bar per `digest`. Martlet's downloads report the bytes of all files of a model together, and
/// the process of the download compares their SHA-256, so the name of the model is the key of the only bar. A value type.
package struct OllamaPull: Sendable {
    /// The first line.
    package static let beginning: JSONValue = ["status": "pulling manifest"]
    /// The last line of a pull that has succeeded: clients wait for it.
    package static let success: JSONValue = ["status": "success"]

    /// The names under which the pool reports the download: that of the request, and that of the registry.
    private let names: [String]
    /// The newest bytes of the download; nil before the first report.
    private var progress: DownloadState?
    /// The result; nil while the download runs.
    package private(set) var ending: Ending?

    /// The result of a download.
    package enum Ending: Sendable, Equatable {
        case success
        /// The reason, as Ollama's error states it.
        case failure(String)
    }

    /// Makes the state before the first change.
    package init(names: [String]) { self.names = names }

    /// The reference of a repository in the spelling of Ollama's clients: `hf.co/ORG/NAME:QUANTIZATION`, also with
    /// `huggingface.co`, or without a host.
    /// - Returns: nil for names of Ollama's own library, which have no organization.
    package static func reference(_ name: String) -> HubReference? { HubReference(OllamaBodies.modelName(name)) }

    /// The lines of a change; none for a change of another model.
    package mutating func lines(for change: ModelChange) -> [JSONValue] {
        switch change {
        case .download(let name, let state) where isMine(name):
            progress = state
            return [line(state)]
        case .downloadEnded(let name, let problem) where isMine(name): return end(problem: problem)
        case .status, .download, .downloadEnded, .removed, .reloaded: return []
        }
    }

    /// The lines of a silence, which show the newest bytes again. A proxy closes a response that is silent for long.
    package func repetition() -> JSONValue { progress.map(line) ?? Self.beginning }

    /// The last lines.
    /// - Parameter problem: the reason of a failure as a predicate that follows the name; nil = the files are complete.
    package mutating func end(problem: String?) -> [JSONValue] {
        if let problem {
            let text = "pull model '\(names.first ?? "")': it \(problem)"
            ending = .failure(text)
            return [["error": .string(text)]]
        }
        ending = .success
        return [["status": "verifying sha256 digest"], ["status": "writing manifest"], Self.success]
    }

    /// Whether a change concerns the download. Names are compared by bytes.
    private func isMine(_ name: String) -> Bool { names.contains { $0.utf8.elementsEqual(name.utf8) } }

    /// A line with the bytes so far. `completed` is left out at 0, as in Ollama.
    private func line(_ state: DownloadState) -> JSONValue {
        let name = names.first ?? ""
        let total = state.files.reduce(UInt64(0)) { $0 + $1.totalByteCount }
        let done = min(total, state.files.reduce(UInt64(0)) { $0 + $1.doneByteCount })
        var members: JSONValue = [
            "status": .string("pulling \(name)"), "digest": .string(name), "total": JSONValue(total),
        ]
        if done > 0, case .object(var object) = members {
            object["completed"] = JSONValue(done)
            members = .object(object)
        }
        return members
    }
}
