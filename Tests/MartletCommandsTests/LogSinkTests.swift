import Foundation
import Logging
import MartletJSON
import MartletWorkers
import SystemPackage
import Testing

@testable import MartletCommands

@Suite(.timeLimit(.minutes(15))) struct LogSinkTests {
    @Test func bufferedLinesAreWrittenOnRelease() async throws {
        let pipe = try FileDescriptor.pipe()
        let writer = LogWriter(descriptor: pipe.writeEnd.rawValue) { _ in "" }
        let sink = LogSink(writer, buffersUntilRelease: true)
        sink.write("early\n")
        writer.write("before\n")
        sink.release()
        sink.write("late\n")
        let isWritten = try await DedicatedThread.run { writer.flush(upTo: .seconds(60)) }
        #expect(isWritten)
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = try buffer.withUnsafeMutableBytes { try pipe.readEnd.read(into: $0) }
        #expect(String(decoding: buffer[..<count], as: UTF8.self) == "before\nearly\nlate\n")
    }

    @Test(arguments: [true, false]) func aStartIsCompleteWhenTheServerListensAndTheModelIsLoaded(listensFirst: Bool)
        throws
    {
        let pipe = try FileDescriptor.pipe()
        let writer = LogWriter(descriptor: pipe.writeEnd.rawValue) { _ in "" }
        let sink = LogSink(writer, buffersUntilRelease: true)
        let start = StartLog(sink, waitsForModel: true)
        sink.write("early\n")
        listensFirst ? start.noteListening() : start.noteLoaded()
        // A line behind the first part would be written before the buffered one, if that part released the buffer.
        writer.write("between\n")
        listensFirst ? start.noteLoaded() : start.noteListening()
        start.noteLoaded()
        try #require(writer.flush(upTo: .seconds(600)))
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = try buffer.withUnsafeMutableBytes { try pipe.readEnd.read(into: $0) }
        #expect(String(decoding: buffer[..<count], as: UTF8.self) == "between\nearly\n")
    }

    /// The line that a logger of this format writes for one warning.
    private func written(
        _ format: LineLogHandler.Format, hasColors: Bool = false, level: Logger.Level = .warning
    ) async throws -> String {
        let pipe = try FileDescriptor.pipe()
        let writer = LogWriter(descriptor: pipe.writeEnd.rawValue) { _ in "" }
        let sink = LogSink([LogSink.Target(writer: writer, hasColors: hasColors)])
        let logger = LineLogHandler.logger(label: "part", level: .trace, format: format, sink: sink)
        logger.log(level: level, "It \"is\"\nso", metadata: ["n": "1"])
        _ = try await DedicatedThread.run { writer.flush(upTo: .seconds(60)) }
        var buffer = [UInt8](repeating: 0, count: 400)
        let count = try buffer.withUnsafeMutableBytes { try pipe.readEnd.read(into: $0) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    @Test func linesForPeopleFollowTheirStyle() async throws {
        var style = LineLogHandler.TextStyle()
        style.showsTime = false
        #expect(try await written(.text(style)) == "warning part: It \"is\" so n=1\n")
        style.showsLabel = false
        #expect(try await written(.text(style)) == "It \"is\" so n=1\n")
        style.showsTime = true
        let line = try await written(.text(style))
        #expect(line.hasSuffix("Z It \"is\" so n=1\n") && line.hasPrefix("20"))
        style.showsTime = false
        #expect(try await written(.text(style), hasColors: true) == "\u{1B}[35mIt \"is\" so n=1\u{1B}[0m\n")
        #expect(try await written(.text(style), hasColors: true, level: .info) == "It \"is\" so n=1\n")
    }

    @Test func linesForProgramsAreObjects() async throws {
        let line = try await written(.json(begin: .now))
        let object = try JSONParser.parse(Array(line.utf8))
        #expect(object["type"] == "log" && object["level"] == "warning" && object["msg"] == "part: It \"is\"\nso n=1")
        #expect(object["time"]?.integerValue.map { $0 >= 0 } == true)
    }

    @Test func theLogGoesToAFileTooAndNowhereWhereItIsOff() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID()).log").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("before\n".utf8).write(to: URL(filePath: path))
        func output(_ arguments: [String]) throws -> LogOutput {
            try LogOutput(SettingParser(command: .serve).parse(arguments: arguments) { _ in nil })
        }
        let quiet = try output(["--log-file", path, "--log-disable"])
        #expect(quiet.isDisabled)
        quiet.sink.release()
        quiet.sink.write("nothing\n")
        let log = try output(["--log-file", path, "--log-colors", "off"])
        log.sink.release()
        log.sink.write("a line of a test, not of an error\n")
        let isWritten = try await DedicatedThread.run {
            log.flush()
            return true
        }
        #expect(isWritten)
        #expect(
            try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self)
                == "before\na line of a test, not of an error\n")
        let error = #expect(throws: SettingError.self) { try output(["--log-file", "/nowhere/at/all/x.log"]) }
        #expect(error?.description.hasPrefix("--log-file: cannot write to /nowhere/at/all/x.log") == true)
    }
}
