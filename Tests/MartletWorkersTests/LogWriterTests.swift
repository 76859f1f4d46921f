import MartletWorkers
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(15))) struct LogWriterTests {
    private let pipe: (readEnd: FileDescriptor, writeEnd: FileDescriptor)

    init() throws {
        BrokenPipes.ignore()
        pipe = try FileDescriptor.pipe()
    }

    private func writer(capacity: Int = 1_000) -> LogWriter {
        LogWriter(descriptor: pipe.writeEnd.rawValue, capacity: capacity) { "dropped \($0)\n" }
    }

    /// Reads to the end of the pipe.
    private func readAll() throws -> [Substring] {
        var bytes: [UInt8] = []
        while true {
            let chunk = try [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = try pipe.readEnd.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    // Blocking waits run on dedicated threads, because the thread pool of tasks is small.

    @Test func linesComeInOrder() async throws {
        let writer = writer(capacity: 1 << 20)
        let lines = try await DedicatedThread.run {
            Result {
                for number in 0..<1_000 { writer.write("\(number)\n") }
                #expect(writer.flush(upTo: .seconds(60)))
                try pipe.writeEnd.close()
                return try readAll()
            }
        }
        #expect(try lines.get() == (0..<1_000).map { Substring("\($0)") })
        #expect(writer.droppedCount == 0)
    }

    @Test func aSlowLogReaderDelaysNoWriterAndGetsTheCountOfDroppedLines() async throws {
        let writer = writer()
        let (count, dropped) = try await DedicatedThread.run {
            var count = 0
            func write() {
                writer.write("line \(count)\n")
                count += 1
            }
            // Until the pipe is full, and then on.
            repeat { write() } while writer.flush(upTo: .milliseconds(100))
            while writer.droppedCount < 100 { write() }
            return (count, writer.droppedCount)
        }
        async let reading = DedicatedThread.run { Result { try readAll() } }
        try await DedicatedThread.run {
            #expect(writer.flush(upTo: .seconds(60)))
            writer.write("last\n")
            #expect(writer.flush(upTo: .seconds(60)))
        }
        try pipe.writeEnd.close()
        let lines = try await reading.get()

        let numbers = lines.compactMap { $0.hasPrefix("line ") ? Int($0.dropFirst(5)) : nil }
        #expect(numbers == numbers.sorted())
        #expect(UInt64(count) == UInt64(numbers.count) + dropped)
        let said = lines.compactMap { $0.hasPrefix("dropped ") ? UInt64($0.dropFirst(8)) : nil }
        #expect(said.reduce(0, +) == dropped)
        #expect(lines.last == "last")
    }

    @Test func unreadableLinesAreCounted() async throws {
        let writer = writer()
        try pipe.readEnd.close()
        try await DedicatedThread.run {
            writer.write("one\ntwo\n")
            #expect(writer.flush(upTo: .seconds(60)))
            writer.write("three\n")
            #expect(writer.flush(upTo: .seconds(60)))
        }
        #expect(writer.droppedCount == 3)
    }
}
