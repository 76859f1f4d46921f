import MartletPlatform
import MartletWorkers
import Subprocess

/// A child process `martlet pull`, which has the network, and of the server nothing else.
///
/// Its errors appear on standard error of this process, or go to a log. Its input stays open while this process lives, and its end ends
/// the child: a download does not outlive the server. A part on disk remains, so a later download continues it.
struct PullProcess: Sendable {
    /// The program itself.
    let executable: FilePath
    /// The token for private repositories; `nil` = the variable `HF_TOKEN`.
    let token: String?

    /// Runs the child to its end. Its lines for people appear on standard error. A cancelled task ends the child, too.
    /// - Parameters:
    ///   - initial: The value that collects the output.
    ///   - consume: Receives the output in chunks. `false` ends the reading.
    /// - Returns: The collected value, and whether the child ended with success.
    /// - Throws: If the child cannot be started.
    func run<Output: Sendable>(
        _ arguments: [String], into initial: Output,
        consume: @escaping @Sendable (inout Output, UnsafeRawBufferPointer) -> Bool
    ) async throws -> (output: Output, isDone: Bool) {
        let outcome = try await Subprocess.run(
            .path(executable), arguments: Self.arguments(arguments), environment: environment, input: .inputWriter,
            output: .sequence, error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
        ) { execution in
            var output = initial
            for try await chunk in execution.standardOutput {
                if !chunk.withUnsafeBytes({ consume(&output, $0) }) { break }
            }
            return output
        }
        return (outcome.closureResult, outcome.terminationStatus.isSuccess)
    }

    /// Runs the child to its end as `run(_:into:consume:)` does. Its lines for people go to `log`, because the standard error
    /// of a server has live rows.
    /// - Parameters:
    ///   - initial: The value that collects the output.
    ///   - log: Receives each line of the child's standard error.
    ///   - consume: Receives the output in chunks. `false` ends the reading.
    /// - Returns: The collected value, and whether the child ended with success.
    /// - Throws: If the child cannot be started.
    func run<Output: Sendable>(
        _ arguments: [String], into initial: Output, log: @escaping @Sendable (String) -> Void,
        consume: @escaping @Sendable (inout Output, UnsafeRawBufferPointer) -> Bool
    ) async throws -> (output: Output, isDone: Bool) {
        let outcome = try await Subprocess.run(
            .path(executable), arguments: Self.arguments(arguments), environment: environment, input: .inputWriter,
            output: .sequence, error: .sequence
        ) { execution in
            async let isLogged: Void = Self.readLines(execution.standardError, log)
            var output = initial
            for try await chunk in execution.standardOutput {
                if !chunk.withUnsafeBytes({ consume(&output, $0) }) { break }
            }
            await isLogged
            return output
        }
        return (outcome.closureResult, outcome.terminationStatus.isSuccess)
    }

    /// Reads lines to the end of the stream.
    private static func readLines(_ stream: SubprocessOutputSequence, _ log: @Sendable (String) -> Void) async {
        var lines = LogLineSplitter()
        do {
            for try await chunk in stream {
                for line in chunk.withUnsafeBytes({ lines.append($0) }) { log(line) }
            }
        } catch {
            log("the log of the download cannot be read: \(error)")
        }
        for line in lines.finish() { log(line) }
    }

    /// The command of the child.
    private static func arguments(_ arguments: [String]) -> Arguments {
        Arguments(["pull", "--ends-with-input"] + arguments)
    }

    /// The variables of this process, with the token. Command lines are visible to all users, variables are not.
    private var environment: Environment {
        var variables: [Environment.Key: String?] = [:]
        if let token { variables["HF_TOKEN"] = token }
        return .inherit.updating(variables)
    }
}
