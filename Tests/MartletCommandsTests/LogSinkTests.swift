import MartletModels
import SystemPackage
import Testing

@testable import MartletCommands

@Suite(.timeLimit(.minutes(1))) struct LogSinkTests {
    @Test func whatIsHeldBackComesWhenItIsReleased() throws {
        let pipe = try FileDescriptor.pipe()
        let writer = LogWriter(descriptor: pipe.writeEnd.rawValue) { _ in "" }
        let sink = LogSink(writer, holdsBack: true)
        sink.write("early\n")
        writer.write("before\n")
        sink.release()
        sink.write("late\n")
        #expect(writer.flush(upTo: .seconds(30)))
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = try buffer.withUnsafeMutableBytes { try pipe.readEnd.read(into: $0) }
        #expect(String(decoding: buffer[..<count], as: UTF8.self) == "before\nearly\nlate\n")
    }
}
