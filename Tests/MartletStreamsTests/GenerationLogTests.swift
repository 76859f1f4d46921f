import MartletProtocol
import NIOCore
import NIOPosix
import Testing

@testable import MartletStreams

@Suite struct GenerationLogTests {
    @Test func nothingFollowsTheTerminalEvent() {
        let log = GenerationLog()
        log.append(.admitted(promptTokens: 3), .token(7, "a"), .finished(), .token(8, "b"))
        log.append(.failed(EngineError(.engineLost, "late")))
        #expect(log.events == [.admitted(promptTokens: 3), .token(7, "a"), .finished()])
        #expect(log.extent.count == 3)
        #expect(log.extent.isEnded)
    }

    @Test func everyKindOfEventIsReadBackAsItWasWritten() {
        let progress = PromptProgress(total: 9, cached: 1, processed: 5, elapsed: .milliseconds(7))
        let events: [LogEvent] = [
            .admitted(promptTokens: 9), .started(cachedTokens: 1), .promptProgress(progress), .token(-1, "héllo"),
            .text(.reasoning, token: nil, bytes: [0xF0, 0x9F]), .token(5, "", .delimiter), .promptProgress(progress),
            .failed(EngineError(.contextExceeded, "too long", promptTokens: 9, contextSize: 4)),
        ]
        let log = GenerationLog()
        for event in events { log.append(event) }
        #expect(log.events == events)
    }

    @Test(arguments: [1, 2, 3, 7, 1_000])
    func readingInSlicesGivesTheSameEvents(limit: Int) {
        let log = GenerationLog()
        log.append(.admitted(promptTokens: 1))
        for index in 0..<50 {
            log.append(.token(Int32(index), String(repeating: "x", count: index % 5)))
            if index % 9 == 0 { log.append(.started(cachedTokens: index)) }
        }
        log.append(.finished())
        var cursor = LogCursor()
        var batch = LogBatch()
        var events: [LogEvent] = []
        var numbers: [Int] = []
        var rest = GenerationLog.Rest.more
        while case .more = rest {
            rest = log.copy(from: &cursor, limit: limit, into: &batch)
            batch.forEach { event, number in
                events.append(event)
                numbers.append(number)
            }
        }
        #expect(events == log.events)
        #expect(numbers == Array(0..<log.extent.count))
    }

    @Test func aTokenTakesAtMost24BytesBesidesItsText() {
        #expect(MemoryLayout<LogStorage.Record>.stride == 12)
        var storage = LogStorage()
        for index in 0..<10_000 { storage.append(.token(Int32(index), "word")) }
        let bytes = storage.records.capacity * MemoryLayout<LogStorage.Record>.stride
        #expect(bytes <= 24 * 10_000)
        #expect(storage.text.count == 40_000)
    }

    @Test func textBeyondTheLimitEndsTheLogWithAnError() {
        let log = GenerationLog(textLimit: 5)
        log.append(.token(1, "abc"), .token(2, "def"), .token(3, "g"))
        #expect(
            log.events == [
                .token(1, "abc"), .failed(EngineError(.generationFailed, "the answer is longer than 5 bytes")),
            ])
    }

    @Test func waitingForTheEndReturnsAtTheTerminalEvent() async {
        let log = GenerationLog()
        log.append(.token(1, "a"))
        async let end: Void = log.waitForEnd()
        log.append(.finished())
        await end
        await log.waitForEnd()
        #expect(log.extent.isEnded)
    }

    @Test func waitingForAdmissionEndsWithTheLastChoicesOrWithTheTimeout() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let silent = GenerationLog()
        #expect(await !silent.waitForAdmission(ofChoices: 1, upTo: .zero, on: loop))
        #expect(silent.refusal(ofChoices: 1) == nil)

        let log = GenerationLog()
        async let both = log.waitForAdmission(ofChoices: 2, upTo: .hours(1), on: loop)
        // Neither a ping nor the admission of another choice ends the wait.
        log.append(.ping)
        var wakeups = Wakeups()
        log.recordAdmission(&wakeups)
        #expect(wakeups.waiters.isEmpty)
        log.recordAdmission(&wakeups)
        wakeups.send()
        #expect(await both)
        #expect(await log.waitForAdmission(ofChoices: 2, upTo: .zero, on: loop))
    }

    @Test func aFailureBeforeEveryChoiceWasAdmittedIsARefusal() async throws {
        let error = EngineError(.contextExceeded, "too long")
        for admitted in 0...2 {
            let log = GenerationLog()
            var wakeups = Wakeups()
            for _ in 0..<admitted { log.recordAdmission(&wakeups) }
            log.append(.admitted(promptTokens: 1), .failed(error))
            #expect(log.refusal(ofChoices: 2) == (admitted < 2 ? error : nil))
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            #expect(await log.waitForAdmission(ofChoices: 2, upTo: .hours(1), on: loop))
        }
    }

    @Test func idsAreDistinctAndHexadecimal() {
        let ids = (0..<1_000).map { _ in LogHead.makeID() }
        #expect(Set(ids).count == 1_000)
        #expect(ids.allSatisfy { $0.utf8.count == 32 && $0.allSatisfy { $0.isHexDigit && !$0.isUppercase } })
    }
}
