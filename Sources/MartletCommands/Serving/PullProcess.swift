import MartletPlatform
import Subprocess

/// A child process `martlet pull`, which has the network, and of the server nothing else.
///
/// Its errors appear on standard error of this process. Its input stays open while this process lives, and its end ends
/// the child: a download does not outlive the server. A part on disk remains, so a later download continues it.
struct PullProcess: Sendable {
    /// The program itself.
    let executable: FilePath
    /// The token for private repositories; `nil` = the variable `HF_TOKEN`.
    let token: String?

    /// Runs the child to its end. A cancelled task ends the child, too.
    /// - Parameters:
    ///   - initial: The value that collects the output.
    ///   - consume: Receives the output in chunks. `false` ends the reading.
    /// - Returns: The collected value, and whether the child ended with success.
    /// - Throws: If the child cannot be started.
    func run<Output: Sendable>(
        _ arguments: [String], into initial: Output,
        consume: @escaping @Sendable (inout Output, UnsafeRawBufferPointer) -> Bool
    ) async throws -> (output: Output, isDone: Bool) {
        var variables: [Environment.Key: String?] = [:]
        // Command lines are visible to all users, the environment is not.
        if let token { variables["HF_TOKEN"] = token }
        let outcome = try await Subprocess.run(
            .path(executable), arguments: Arguments(["pull", "--ends-with-input"] + arguments),
            environment: .inherit.updating(variables), input: .inputWriter, output: .sequence,
            error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
        ) { execution in
            var output = initial
            for try await chunk in execution.standardOutput {
                if !chunk.withUnsafeBytes({ consume(&output, $0) }) { break }
            }
            return output
        }
        return (outcome.closureResult, outcome.terminationStatus.isSuccess)
    }
}
