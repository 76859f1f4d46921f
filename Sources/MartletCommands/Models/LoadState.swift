import MartletJSON
import MartletText

/// The progress of the load of one model, as a server's list of models shows it.
///
/// Example: `{"data":[{"id":"a","status":{"phase":"loading","fraction":0.4}}]}` is `.loading(0.4)` for the model `a`.
enum LoadState: Sendable, Equatable {
    /// The share that is loaded, from 0 to 1; `nil` = unknown.
    case loading(Double?)
    case loaded
    /// The load ended without a loaded model, with the reason as a sentence.
    case ended(String)

    /// The time between two readings of the list.
    static let pollInterval: Duration = .milliseconds(200)

    /// `loading 60 %`, or `loading` without a known share.
    static func text(_ word: String = "loading", fraction: Double?) -> String {
        word + (fraction.map { " \(Int(min(max($0, 0), 1) * 100)) %" } ?? "")
    }

    /// The state of a model whose load was requested.
    ///
    /// Martlet's lists have `phase` and `pending`; llama-server's have `value` and `failed`. A server of one model has no
    /// states, and its model is loaded.
    static func of(_ name: String, in list: JSONValue) -> LoadState {
        let model = list["data"]?.arrayValue?.first { $0["id"]?.stringValue?.hasSameBytes(as: name) == true }
        guard let model else { return .ended("the server has no model '\(name.printable)' any more") }
        guard let status = model["status"] else { return .loaded }
        // The reason of a failure has the last lines of a log.
        let error = status["error"]?.stringValue.map { text in
            text.split(separator: "\n").joined(separator: "; ").printable
        }
        if status["failed"]?.boolValue == true { return .ended("\(name.printable): \(error ?? "failed")") }
        let fraction = status["fraction"]?.doubleValue
        guard let phase = status["phase"]?.stringValue else {
            return status["value"]?.stringValue == "loaded" ? .loaded : .loading(fraction)
        }
        switch phase {
        case "ready": return .loaded
        case "failed": return .ended("\(name.printable): \(error ?? "failed")")
        case "unloaded", "sleeping", "absent":
            // A load that waits for room or for a worker that ends is pending.
            guard status["pending"] == false else { return .loading(nil) }
            let reason = error.map { ": " + $0 } ?? ""
            return .ended(
                "\(name.printable) is not loaded: the load was ended, or the model was unloaded again\(reason)")
        default: return .loading(fraction)
        }
    }

    /// Reads the list until the load has ended.
    /// - Parameters:
    ///   - list: Requests the list of models. A cancelled task ends with the error of a request.
    ///   - progress: Receives the share that is loaded, before each wait.
    /// - Returns: `.loaded`, or `.ended` with the reason.
    static func wait<Failure>(
        for name: String, list: () async throws(Failure) -> JSONValue, progress: (Double?) -> Void
    ) async throws(Failure) -> LoadState {
        while true {
            let state = of(name, in: try await list())
            guard case .loading(let fraction) = state else { return state }
            progress(fraction)
            try? await Task.sleep(for: pollInterval)
        }
    }
}
