import Subprocess
import SystemPackage
import Testing

/// The scripts of the build, which have tests in Python.
@Suite(.timeLimit(.minutes(15))) struct ScriptTests {
    @Test func aBuildShowsTheWorkThatIsLeft() async throws {
        let script = MartletProcess.repository.appending("Tests/IntegrationTests/Python/build_progress.py")
        let result = try await Subprocess.run(
            .path(MartletProcess.repository.appending(".deps/python/bin/python")),
            arguments: [script.string, MartletProcess.repository.string],
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)\(result.standardError)")
    }
}
