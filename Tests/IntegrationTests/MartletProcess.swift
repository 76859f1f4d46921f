import MartletPlatform
import Subprocess
import SystemPackage
import Testing

/// The real executable, found beside the test bundle or named by `MARTLET_BINARY`.
enum MartletProcess {
    static let repository: FilePath = {
        var path = FilePath(#filePath)
        for _ in 0..<3 { path.removeLastComponent() }
        return path
    }()

    static let executable = Executable.path(path)

    static let path: FilePath = {
        if let path = getenv("MARTLET_BINARY") { return FilePath(String(cString: path)) }
        // On Linux the tests' executable lies beside the program; on macOS, in a bundle that does.
        var folder = FilePath(CommandLine.arguments[0]).removingLastComponent()
        let arguments = CommandLine.arguments
        if let index = arguments.firstIndex(of: "--test-bundle-path"), index + 1 < arguments.count {
            folder = FilePath(arguments[index + 1]).removingLastComponent()
        }
        return folder.appending("martlet")
    }()

    /// Runs a command to its end.
    static func run(_ arguments: [String], input: String = "") async throws -> (
        status: Int32, output: String, error: String
    ) {
        let result = try await Subprocess.run(
            executable, arguments: Arguments(arguments), input: .string(input),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let number): -number
            }
        return (status, result.standardOutput, result.standardError)
    }
}
