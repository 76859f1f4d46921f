import MartletProtocol
import MartletWorkers
import Testing

@Suite struct HangMonitorTests {
    private var hangMonitor = HangMonitor(timeout: .seconds(8))
    private let start = ContinuousClock.now
    private var seconds = 0

    private var now: ContinuousClock.Instant { start + .seconds(seconds) }

    /// Lets ticks come each second, and the worker answer each of them with what `report` says at that second.
    /// - Returns: Why the worker was ended, and when.
    private mutating func run(
        for count: Int, _ report: (Int) -> [ThreadActivity]?
    ) -> (second: Int, reason: String)? {
        for _ in 0..<count {
            seconds += 1
            switch hangMonitor.tick(at: now) {
            case .nothing: return nil
            case .ping: if let activities = report(seconds) { hangMonitor.recordActivity(activities, at: now) }
            case .end(let reason): return (seconds, reason)
            }
        }
        return nil
    }

    private static func decoding(_ steps: Int) -> [ThreadActivity] {
        [ThreadActivity(.decoding, count: 512, steps: UInt64(steps)), ThreadActivity(.idle)]
    }

    @Test func ticksAreAnEighthOfTheTimeoutApartAndFiveSecondsAtMost() {
        #expect(hangMonitor.interval == .seconds(1))
        #expect(HangMonitor(timeout: .seconds(60)).interval == .seconds(5))
        #expect(HangMonitor(timeout: .milliseconds(1)).interval == .milliseconds(50))
        #expect(HangMonitor(timeout: nil).interval == nil)
    }

    @Test mutating func aWorkerThatReportsStepsIsNotEnded() {
        hangMonitor.begin(at: now)
        #expect(run(for: 1_000) { Self.decoding($0) } == nil)
    }

    @Test mutating func anIdleWorkerIsNotEndedWhileItReplies() {
        hangMonitor.begin(at: now)
        #expect(run(for: 1_000) { _ in [ThreadActivity(.idle, steps: 3)] } == nil)
        let end = run(for: 100) { _ in nil }
        #expect(end?.second == 1_008)
        #expect(
            end?.reason
                == "has not answered for 8.0 seconds; the last step that it reported was waiting for requests (step 3)")
    }

    @Test mutating func anUnresponsiveWorkerIsEndedAndItsLastStepReported() {
        hangMonitor.begin(at: now)
        let end = run(for: 100) { $0 <= 20 ? Self.decoding($0) : nil }
        #expect(end?.second == 28)
        #expect(
            end?.reason
                == "has not answered for 8.0 seconds; the last step that it reported was computing a batch of 512 tokens "
                + "(step 20)")
    }

    @Test mutating func aThreadWithoutStepsIsADeadlock() {
        hangMonitor.begin(at: now)
        let end = run(for: 100) { Self.decoding(min($0, 20)) }
        #expect(end?.second == 28)
        #expect(end?.reason.hasPrefix("has taken no step for 8.0 seconds; the last step") == true)
    }

    @Test mutating func eachThreadIsWatched() {
        hangMonitor.begin(at: now)
        let end = run(for: 100) { second in
            [ThreadActivity(.decoding, steps: UInt64(second)), ThreadActivity(.tokenizing, steps: 4)]
        }
        #expect(end?.second == 9)
        #expect(end?.reason.contains("tokenizing prompts (step 4)") == true)
    }

    @Test(arguments: [ThreadActivity.Kind.loading, .warmUp])
    mutating func loadingHasFiveTimesAsLong(kind: ThreadActivity.Kind) {
        hangMonitor.begin(at: now)
        #expect(run(for: 41) { _ in [ThreadActivity(kind, steps: 1)] }?.second == 41)
    }

    @Test mutating func aWorkerBeforeItsFirstReplyHasFiveTimesTheTimeout() {
        hangMonitor.begin(at: now)
        #expect(run(for: 100) { _ in nil }?.second == 40)
    }

    @Test mutating func aMachineThatSleptIsNoWorkerThatHangs() {
        hangMonitor.begin(at: now)
        #expect(run(for: 10) { Self.decoding($0) } == nil)
        seconds += 10_000
        #expect(run(for: 10) { Self.decoding($0) } == nil)
        let end = run(for: 100) { _ in nil }
        #expect(end?.second == 10_028)
    }

    @Test mutating func theNextWorkerBeginsAnew() {
        hangMonitor.begin(at: now)
        #expect(run(for: 100) { _ in nil } != nil)
        #expect(hangMonitor.tick(at: now) == .nothing)
        hangMonitor.recordActivity(Self.decoding(1), at: now)
        seconds += 500
        hangMonitor.begin(at: now)
        #expect(run(for: 100) { Self.decoding($0) } == nil)
        hangMonitor.stop()
        #expect(hangMonitor.tick(at: now + .seconds(1)) == .nothing)
    }

    @Test mutating func withoutATimeoutNoPingIsSent() {
        hangMonitor = HangMonitor(timeout: nil)
        hangMonitor.begin(at: now)
        seconds += 100
        #expect(hangMonitor.tick(at: now) == .nothing)
    }
}
