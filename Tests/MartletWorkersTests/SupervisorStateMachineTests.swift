import MartletProtocol
import MartletWorkers
import Testing

@Suite struct SupervisorStateMachineTests {
    private var machine = SupervisorStateMachine(modelName: "tiny")
    private let start = ContinuousClock.now
    private let ready = EngineState.ready(ModelInformation())

    /// Starts a worker, lets it be ready from `time` for `life`, and ends it.
    private mutating func pauseAfterWorker(readyFor life: Duration?) -> Duration? {
        guard machine.proceed() == .launch else { return nil }
        var now = start
        if let life {
            guard machine.workerReported(ready, at: now) == ready else { return nil }
            now += life
        }
        guard case .pause(let duration) = machine.workerEnded(.signaled(11), at: now).next else { return nil }
        return duration
    }

    @Test mutating func pausesDoubleUpToTheirLimit() {
        let pauses = (0..<9).map { _ in pauseAfterWorker(readyFor: .seconds(1)) }
        let expected: [Duration] =
            [.milliseconds(250), .milliseconds(500)] + [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) }
        #expect(pauses == expected)
    }

    @Test mutating func aHealthyWorkerIsReplacedAtOnceAndPastFailuresAreForgotten() {
        for _ in 0..<4 { _ = pauseAfterWorker(readyFor: .seconds(9)) }
        #expect(pauseAfterWorker(readyFor: .seconds(9)) == .seconds(4))
        #expect(pauseAfterWorker(readyFor: .seconds(10)) == .zero)
        #expect(pauseAfterWorker(readyFor: .seconds(300)) == .zero)
        #expect(pauseAfterWorker(readyFor: .seconds(9)) == .milliseconds(250))
        #expect(pauseAfterWorker(readyFor: nil) == .milliseconds(500))
    }

    @Test mutating func aModelThatWasNeverReadyGetsThreeTries() {
        for _ in 0..<2 { #expect(pauseAfterWorker(readyFor: nil) != nil) }
        #expect(machine.proceed() == .launch)
        let words = "ggml.c:3124: GGML_ASSERT(eps >= 0.0f) failed"
        let loss = machine.workerEnded(.signaled(6), crashOutput: words, at: start)
        #expect(loss.next == .waitForShutdown)
        #expect(
            loss.state
                == .failed(
                    EngineError(
                        .loadFailed,
                        "the worker process of tiny was ended by signal 6 (SIGABRT) before the model was ready, "
                            + "3 times in a row, and wrote: \(words)")))
    }

    @Test mutating func theErrorOfAHungWorkerSaysSo() {
        #expect(machine.proceed() == .launch)
        _ = machine.workerReported(ready, at: start)
        let error = EngineError(
            .engineLost, "the engine of tiny stood still: its worker process has not answered for 60 seconds")
        #expect(machine.workerHung("has not answered for 60 seconds") == .restarting(error))
        let loss = machine.workerEnded(.signaled(9), at: start)
        #expect(loss.error == error)
        #expect(loss.state == .restarting(error))
        #expect(machine.workerHung("has not answered for 60 seconds") == nil)
        // The next worker's end has another reason.
        #expect(machine.proceed() == .launch)
        _ = machine.workerReported(ready, at: start)
        #expect(machine.workerEnded(.signaled(11), at: start).error.message.contains("SIGSEGV"))
    }

    @Test mutating func onlyStartsInARowThatNeverGotReadyCount() {
        #expect(pauseAfterWorker(readyFor: .zero) != nil)
        for _ in 0..<3 {
            for _ in 0..<4 { #expect(pauseAfterWorker(readyFor: nil) != nil) }
            #expect(pauseAfterWorker(readyFor: .zero) != nil)
        }
        for _ in 0..<4 { #expect(pauseAfterWorker(readyFor: nil) != nil) }
        #expect(pauseAfterWorker(readyFor: nil) == nil)
        #expect(machine.proceed() == .waitForShutdown)
    }

    @Test mutating func requestsWaitUntilReadyAndAreRefusedAfterAbandonment() {
        #expect(machine.admission == .wait)
        #expect(machine.proceed() == .launch)
        #expect(machine.admission == .wait)
        #expect(machine.workerReported(ready, at: start) == ready)
        #expect(machine.admission == .send)
        _ = machine.workerEnded(.exited(code: 1), at: start)
        #expect(machine.admission == .wait)
        #expect(machine.proceed() == .launch)
        let reported = EngineError(.loadFailed, "truncated file")
        #expect(machine.workerReported(.failed(reported), at: start) == nil)
        let loss = machine.workerEnded(.exited(code: 1), at: start)
        #expect(loss.state == .failed(reported))
        #expect(loss.next == .waitForShutdown)
        #expect(machine.admission == .refuse(reported))
    }

    @Test mutating func theLastReportOfAReadyWorkerIsItsLossError() {
        #expect(machine.proceed() == .launch)
        _ = machine.workerReported(ready, at: start)
        _ = machine.workerReported(.failed(EngineError(.generationFailed, "decode returned -3")), at: start)
        let loss = machine.workerEnded(.exited(code: 1), at: start)
        #expect(loss.error.code == .engineLost)
        #expect(loss.error.message.contains("decode returned -3"))
        #expect(loss.next == .pause(.milliseconds(250)))
    }

    @Test mutating func aKilledWorkerHintsAtMemory() {
        #expect(machine.proceed() == .launch)
        _ = machine.workerReported(ready, at: start)
        #expect(machine.workerEnded(.signaled(9), at: start).error.message.contains("memory"))
    }

    @Test mutating func tenCrashesInARowSoonAfterReadinessAreTheEnd() {
        for _ in 0..<9 { #expect(pauseAfterWorker(readyFor: .seconds(1)) != nil) }
        #expect(machine.proceed() == .launch)
        #expect(machine.workerReported(ready, at: start) == ready)
        let loss = machine.workerEnded(.signaled(11), at: start + .seconds(1))
        guard case .failed(let error) = loss.state else { Issue.record("\(loss.state)"); return }
        #expect(error.code == .engineLost && error.message.contains("SIGSEGV"))
        #expect(error.message.hasSuffix("it was the worker number 10 in a row that ended soon after it was ready"))
        #expect(loss.next == .waitForShutdown && machine.admission == .refuse(error))
    }

    @Test mutating func aFinishedGenerationOrAHealthyTimeEndsARowOfCrashes() {
        for _ in 0..<9 { #expect(pauseAfterWorker(readyFor: .seconds(1)) != nil) }
        #expect(pauseAfterWorker(readyFor: .seconds(10)) == .zero)
        for _ in 0..<9 { #expect(pauseAfterWorker(readyFor: .seconds(1)) != nil) }
        #expect(machine.proceed() == .launch)
        #expect(machine.workerReported(ready, at: start) == ready)
        machine.workerServed()
        guard case .pause = machine.workerEnded(.signaled(11), at: start).next else { Issue.record("no pause"); return }
    }

    @Test(
        arguments: [
            (WorkerExit.killedForMemory, nil), (.signaled(6), "terminate called after throwing 'std::bad_alloc'"),
            (.exited(code: 1), "ggml: failed to allocate CPU buffer of size 4294967296"),
        ] as [(WorkerExit, String?)])
    mutating func aShortageOfMemoryHasItsOwnCode(exit: WorkerExit, output: String?) {
        var policy = RestartPolicy()
        policy.repeatsShortages = false
        machine = SupervisorStateMachine(modelName: "tiny", policy: policy)
        #expect(machine.proceed() == .launch)
        #expect(machine.workerReported(ready, at: start) == ready)
        let loss = machine.workerEnded(exit, crashOutput: output, at: start)
        #expect(loss.error.code == .outOfMemory && loss.next == .pause(.milliseconds(250)))
        machine = SupervisorStateMachine(modelName: "tiny", policy: policy)
        #expect(machine.proceed() == .launch)
        let first = machine.workerEnded(exit, crashOutput: output, at: start)
        guard case .failed(let error) = first.state else { Issue.record("\(first.state)"); return }
        #expect(error.code == .outOfMemory && first.next == .waitForShutdown)
        // A server with one model tries again: memory may be free then.
        machine = SupervisorStateMachine(modelName: "tiny")
        #expect(machine.proceed() == .launch)
        #expect(machine.workerEnded(exit, crashOutput: output, at: start).next == .pause(.milliseconds(250)))
    }

    @Test mutating func aKillByTheSystemIsNamed() {
        #expect(machine.proceed() == .launch)
        _ = machine.workerReported(ready, at: start)
        let message = machine.workerEnded(.killedForMemory, at: start).error.message
        #expect(
            message
                == "the engine of tiny was lost: its worker process was killed by the system, which had run out of memory"
        )
    }

    @Test mutating func nothingIsStartedAfterShutDown() {
        #expect(machine.proceed() == .launch)
        machine.shutDown()
        let loss = machine.workerEnded(.exited(code: 0), at: start)
        #expect(loss.next == .end)
        #expect(loss.error.code == .shuttingDown)
        #expect(machine.proceed() == .end)
    }
}
