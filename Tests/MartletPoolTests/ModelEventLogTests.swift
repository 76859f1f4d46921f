import MartletPool
import NIOCore
import NIOPosix
import Testing

/// The log of the changes of all models, and the cursors of its readers.
@Suite struct ModelEventLogTests {
    @Test func aReaderThatFallsBehindGetsASnapshotInsteadOfMemory() async throws {
        let log = ModelEventLog(epoch: "e")
        var cursor = log.end
        for number in 0..<5_000 { log.append(.removed(model: "\(number)")) }
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        guard case .missed = await log.read(&cursor, upTo: .zero, on: eventLoop) else {
            Issue.record("no loss"); return
        }
        cursor = log.end
        log.append(.removed(model: "last"))
        guard case .events(let events) = await log.read(&cursor, upTo: .zero, on: eventLoop) else {
            Issue.record("no events"); return
        }
        #expect(events.map(\.number) == [5_001])
        #expect(log.cursor(behind: "e-5000")?.next == 5_001)
        #expect(log.cursor(behind: "e-10") == nil)
        for id in ["e--5000", "e-+5000", "e-05000", "-e-5000", "e-5000-", "e-", "-5000", "5000", ""] {
            #expect(log.cursor(behind: id) == nil, "\(id)")
        }
        #expect(log.cursor(behind: "f-5000") == nil && log.cursor(behind: "e-9999") == nil)
        guard case .silence = await log.read(&cursor, upTo: .zero, on: eventLoop) else {
            Issue.record("no silence"); return
        }
        log.close()
        guard case .closed = await log.read(&cursor, upTo: .zero, on: eventLoop) else { Issue.record("open"); return }
    }
}
