import MartletJSON
import MartletPlatform
import MartletTestSupport
import OrderedCollections
import Subprocess
import SystemPackage
import Testing

/// A server always ends when it is asked to, and says in one line why it cannot begin.
@Suite(.serialized, .timeLimit(.minutes(15))) struct SignalTests {
    private static let endless: JSONValue = [
        "prompt": "Once upon a time", "max_tokens": 100_000, "temperature": 0, "ignore_eos": true,
    ]

    @Test(arguments: [SIGTERM, SIGINT, SIGQUIT, SIGHUP]) func aSignalDrainsAndEnds(signal: Int32) async throws {
        let status = try await Server.run(["--drain-timeout", "1"]) { server in
            let stream = try await server.openStream(Self.endless)
            _ = try await stream.readEvent()
            kill(server.processIdentifier, signal)
            let text = try StreamedText(await stream.readEvents())
            #expect(text.endedOnce && text.errors.count == 1)
        }
        #expect(status.isSuccess)
    }

    /// Runs a shell command with the server's program as `$0`, to its end.
    private func run(_ script: String) async throws -> (status: TerminationStatus, error: String) {
        let result = try await Subprocess.run(
            .name("sh"), arguments: ["-c", script, MartletProcess.path.string], input: .none, output: .discarded,
            error: .string(limit: 1 << 16))
        return (result.terminationStatus, result.standardError)
    }

    /// Each of these was a crash, or a wait without end.
    @Test(arguments: [
        ("ulimit -n 20; exec \"$0\" serve --port 0", "20 files and connections"),
        ("ulimit -n 26; exec \"$0\" serve --port 0", "26 files and connections"),
        ("ulimit -v 307200; exec \"$0\" serve --port 0", "300 MiB of address space"),
        (
            "d=$(mktemp -d); mkfifo $d/fifo; \"$0\" serve --port 0 --model $d/fifo; c=$?; rm -r $d; exit $c",
            "fifo is not a file"
        ),
    ]) func whatCannotBeginIsSaidInOneLine(script: String, words: String) async throws {
        let (status, error) = try await run(script)
        #expect(error.contains(words), "\(error)")
        #expect(error.hasPrefix("martlet: "), "\(error)")
        #expect(error.split(separator: "\n").count == 1, "\(error)")
        if case .exited(let code) = status { #expect(code != 0) } else { Issue.record("\(status)") }
    }
}
