import Logging
import MartletWorkers
import Testing

@Suite struct WorkerLogLineTests {
    @Test func aRecordSurvivesItsLine() {
        let record = WorkerLogLine(level: .error, message: "engine: decode failed")
        #expect(WorkerLogLine(line: record.line) == record)
    }

    @Test func aLineWithoutALevelIsAWarning() {
        let line = "GGML_ASSERT(n > 0) failed"
        #expect(WorkerLogLine(line: line) == WorkerLogLine(level: .warning, message: line))
    }

    @Test func aMessageStaysOnOneLine() {
        #expect(WorkerLogLine(level: .info, message: "a\r\nb\nc").line == "info a b c")
    }
}
