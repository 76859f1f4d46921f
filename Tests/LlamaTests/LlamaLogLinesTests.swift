import Llama
import Logging
import Testing

@Suite struct LlamaLogLinesTests {
    typealias Record = LlamaLogLines.Record

    @Test func piecesOfALineAreOneRecord() {
        var lines = LlamaLogLines()
        #expect(lines.append("loading", level: .debug, isAborting: false) == [])
        #expect(lines.append(" tensors", level: nil, isAborting: false) == [])
        #expect(lines.append(" \n", level: nil, isAborting: false) == [Record(.debug, "loading tensors")])
        #expect(lines.append("half", level: .warning, isAborting: false) == [])
        #expect(
            lines.append("whole\n", level: .error, isAborting: false) == [
                Record(.warning, "half"), Record(.error, "whole"),
            ])
        #expect(lines.append("\n", level: .error, isAborting: false) == [])
        let long = lines.append(String(repeating: "x", count: 5_000), level: .error, isAborting: false)
        #expect(long == [])
        #expect(lines.append("\n", level: nil, isAborting: false).first?.message.utf8.count == 5_000)
    }

    /// Warnings and errors about an aborted decode become traces; other lines retain their level.
    @Test(arguments: [
        (Logger.Level.error, true, Logger.Level.trace), (.error, false, .error), (.warning, true, .trace),
        (.debug, true, .debug), (.critical, true, .trace),
    ])
    func abortingIsNoError(level: Logger.Level, isAborting: Bool, expected: Logger.Level) {
        var lines = LlamaLogLines()
        let text = "process_ubatch: failed to compute graph, compute status: 1\n"
        #expect(
            lines.append(text, level: level, isAborting: isAborting) == [
                Record(expected, "process_ubatch: failed to compute graph, compute status: 1")
            ])
    }
}
