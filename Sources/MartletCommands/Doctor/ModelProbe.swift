import Llama
import MartletJSON
import MartletPlatform
import MartletWorkers
import Subprocess

/// Asks libllama in a process of its own whether it accepts a model file: the architecture, the parameters of the head
/// and the vocabulary. No tensor is read.
///
/// Example: a file of the architecture `foo` has the refusal `unknown model architecture: 'foo'`. A file that makes
/// libllama abort ends the child, and `martlet doctor` reports it.
enum ModelProbe {
    /// The flag of `martlet worker` that checks a file instead of running a model.
    static let flag = "--check-model"

    /// The reason for which libllama refuses a file.
    /// - Parameter executable: The program itself.
    /// - Returns: `nil` if libllama accepts the file.
    static func refusal(of path: String, executable: FilePath) async -> String? {
        do {
            let output = try await DeviceProbe.run(executable, ["worker", flag, path])
            return (try? JSONParser.parse(Array(output.utf8)))?["refusal"]?.stringValue
        } catch {
            return "libllama does not survive the file: \(error)"
        }
    }

    /// Loads the vocabulary and prints `{"refusal":null}` or the reason. Runs in the child, within the worker's sandbox.
    static func report(_ path: String) {
        _ = WorkerSandbox.enter()
        QuietLoader.begin()
        var options = Model.Options()
        options.vocabularyOnly = true
        var refusal: JSONValue = .null
        do throws(LlamaError) {
            _ = try Model(path: path, options: options)
        } catch {
            // The sentence begins with the path, which the finding names already.
            let text = error.description
            let cause = text.firstRange(of: "cannot be loaded: ").map { String(text[$0.upperBound...]) } ?? text
            refusal = .string(cause.hasSuffix(".") ? String(cause.dropLast()) : cause)
        }
        Terminal.write(JSONValue.object(["refusal": refusal]).text + "\n")
    }
}
