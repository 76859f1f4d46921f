import Logging
import MartletPlatform
import MartletProtocol
import MartletWorkers
import Synchronization
import Testing

/// A supervised child process, its death in all its forms.
@Suite(.timeLimit(.minutes(15))) struct WorkerProcessTests {
    private let receiver = RecordingReceiver()
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func policy(failedStarts: Int = 5) -> RestartPolicy {
        var policy = RestartPolicy()
        policy.initialPause = .milliseconds(1)
        policy.maximumFailedStarts = failedStarts
        return policy
    }

    private func engine(_ launcher: some WorkerLauncher, failedStarts: Int = 5) -> WorkerEngine {
        WorkerEngine(
            modelName: "tiny", launcher: launcher, receiver: receiver, policy: policy(failedStarts: failedStarts),
            logger: quiet)
    }

    /// Runs an engine with this worker while `body` acts, then shuts it down and waits for its end.
    private func supervise(
        _ worker: ShellWorker, failedStarts: Int = 5, _ body: (WorkerEngine) async throws -> Void
    ) async throws {
        let engine = engine(worker.launcher, failedStarts: failedStarts)
        async let running: Void = engine.run()
        do {
            try await body(engine)
        } catch {
            engine.shutdown()
            throw error
        }
        engine.shutdown()
        await running
    }

    @Test func aKilledWorkersRequestIsContinuedByTheNext() async throws {
        let handle = GenerationHandle(rawValue: 1)
        let events = EngineEvent.Kind.lifeUntilTokens([11, 12]).map { EngineEvent(handle, $0) }
        let worker = try ShellWorker(
            printing: [.state(.ready(ModelInformation()))], then: [.events(events)],
            script: """
                echo run >>"$1/runs"; cat "$0"
                if [ $(wc -l <"$1/runs") = 1 ]; then
                    head -c \(try [EdgeFrame].first(.sample(1)).byteCount()) >/dev/null; cat "$1/then"; kill -9 $$
                fi
                cat >"$1/input"
                """)
        defer { worker.remove() }
        try await supervise(worker) { engine in
            await receiver.nextReady()
            engine.submit(.sample(1))
            await receiver.nextReady()
            engine.cancel(handle)
        }
        var continued = GenerationRequest.sample(1)
        continued.continuation = [11, 12]
        let reported = try [EdgeFrame](bytes: worker.contents("input"))
        guard reported.count > 1, case .submit(var request) = reported[1] else {
            Issue.record("\(reported)")
            return
        }
        request.continuationTime = .zero
        #expect(request == continued)
        #expect(reported[2...] == [.cancel(handle), .shutdown])
        #expect(receiver.events.filter { !$0.isEnd } == events)
        #expect(receiver.events.filter(\.isEnd).count == 1)
    }

    @Test func aRequestThatKillsThreeWorkersEndsOnceAndTheNextWorkerServes() async throws {
        let worker = try ShellWorker(
            printing: [.state(.ready(ModelInformation()))],
            script: "cat \"$0\"; head -c \(try [EdgeFrame].first(.sample(1)).byteCount()) >/dev/null; kill -9 $$")
        defer { worker.remove() }
        try await supervise(worker) { engine in
            await receiver.nextReady()
            engine.submit(.sample(1))
            await receiver.nextEnd(of: GenerationHandle(rawValue: 1))
            #expect(receiver.states.count(where: { if case .restarting = $0 { true } else { false } }) == 3)
            let ends = receiver.events.filter(\.isEnd)
            #expect(ends.map(\.handle.rawValue) == [1])
            #expect(ends.first?.error?.code == .engineLost)
            #expect(ends.first?.error?.message.contains("signal 9 (SIGKILL)") == true)
            await receiver.nextReady()
            engine.submit(.sample(2))
        }
        #expect(receiver.events.filter(\.isEnd).map(\.handle.rawValue) == [1, 2])
    }

    @Test func aRequestWaitsWhileTheWorkerRestarts() async throws {
        let worker = try ShellWorker(
            printing: [.state(.ready(ModelInformation()))],
            script: "echo run >>\"$1/runs\"; [ $(wc -l <\"$1/runs\") -gt 2 ] || exit 3; cat \"$0\"; cat >\"$1/input\"")
        defer { worker.remove() }
        let engine = engine(worker.launcher)
        engine.submit(.sample(1))
        engine.submit(.sample(2))
        engine.cancel(GenerationHandle(rawValue: 2))
        async let running: Void = engine.run()
        await receiver.nextReady()
        engine.shutdown()
        await running
        let reported = try [EdgeFrame](bytes: worker.contents("input"))
        #expect(reported == [.hello(version: FrameFormat.version), .submit(.sample(1)), .shutdown])
        #expect(receiver.states.count(where: { if case .restarting = $0 { true } else { false } }) == 2)
        let ends = receiver.events.filter(\.isEnd)
        #expect(Set(ends.map(\.handle.rawValue)) == [1, 2])
        #expect(ends.count == 2)
        #expect(ends.first { $0.handle.rawValue == 1 }?.error?.code == .shuttingDown)
    }

    @Test func aWorkerThatIsNeverReadyIsAbandoned() async throws {
        let worker = try ShellWorker(printing: [], script: "echo run >>\"$1/runs\"; exit 7")
        defer { worker.remove() }
        let engine = engine(worker.launcher, failedStarts: 3)
        engine.submit(.sample(1))
        async let running: Void = engine.run()
        await receiver.nextEnd(of: GenerationHandle(rawValue: 1))
        guard case .failed(let error) = engine.state else {
            Issue.record("\(engine.state)")
            return
        }
        #expect(error.code == .loadFailed)
        #expect(error.message.contains("exited with code 7"))
        #expect(error.message.contains("3 times"))
        #expect(try worker.contents("runs").count == 3 * "run\n".utf8.count)
        engine.submit(.sample(2))
        await receiver.nextEnd(of: GenerationHandle(rawValue: 2))
        await #expect(throws: error) { try await engine.status() }
        engine.shutdown()
        await running
    }

    /// Real processes that are ready and then die, again and again.
    @Test func aCrashLoopEndsWithTheLastLinesOfTheLog() async throws {
        let worker = try ShellWorker(
            printing: [.state(.ready(ModelInformation()))],
            script: "echo run >>\"$1/runs\"; echo 'error engine: a broken kernel' >&2; cat \"$0\"; kill -11 $$")
        defer { worker.remove() }
        var policy = policy()
        policy.maximumCrashes = 4
        let engine = WorkerEngine(
            modelName: "tiny", launcher: worker.launcher, receiver: receiver, policy: policy, logger: quiet)
        async let running: Void = engine.run()
        await receiver.nextFailure()
        guard case .failed(let error) = engine.state else { return }
        #expect(error.message.contains("SIGSEGV") && error.message.contains("number 4 in a row"))
        #expect(try worker.contents("runs").count == 4 * "run\n".utf8.count)
        #expect(engine.lastLogLines == [String](repeating: "error engine: a broken kernel", count: 4))
        engine.submit(.sample(1))
        await receiver.nextEnd(of: GenerationHandle(rawValue: 1))
        engine.shutdown()
        await running
    }

    @Test func aReportedLoadErrorIsNotRetried() async throws {
        let reported = EngineError(.loadFailed, "no such tensor")
        let worker = try ShellWorker(
            printing: [.state(.failed(reported))], script: "echo run >>\"$1/runs\"; cat \"$0\"; cat >/dev/null; exit 1")
        defer { worker.remove() }
        try await supervise(worker) { engine in
            await receiver.nextFailure()
            #expect(engine.state == .failed(reported))
            let runs = try worker.contents("runs")
            #expect(runs.count == "run\n".utf8.count)
        }
    }

    @Test func outputThatIsNoFrameEndsTheWorkerForGood() async throws {
        let worker = try ShellWorker(printing: [], script: "cat \"$0\"; echo hello world; cat >/dev/null")
        defer { worker.remove() }
        try await supervise(worker) { engine in
            await receiver.nextFailure()
            guard case .failed(let error) = engine.state else {
                Issue.record("\(engine.state)")
                return
            }
            #expect(error.message.contains("broke the protocol"))
        }
    }

    @Test func anExecutableThatIsMissingIsAnErrorAtOnce() async throws {
        let engine = engine(SubprocessLauncher(executable: "/nonexistent/martlet", arguments: []))
        async let running: Void = engine.run()
        await receiver.nextFailure()
        guard case .failed(let error) = engine.state else {
            Issue.record("\(engine.state)")
            return
        }
        #expect(error.message.contains("could not be started"))
        #expect(error.message.contains("/nonexistent/martlet"))
        engine.shutdown()
        await running
    }

    @Test(.timeLimit(.minutes(15))) func aWorkerThatDoesNotEndOnRequestIsKilled() async throws {
        let worker = try ShellWorker(
            printing: [.state(.ready(ModelInformation()))],
            script: "trap '' TERM; cat \"$0\"; exec sleep 120")
        defer { worker.remove() }
        try await supervise(worker) { engine in
            await receiver.nextReady()
            engine.submit(.sample(1))
        }
        #expect(receiver.events.filter(\.isEnd).map(\.error?.code) == [.shuttingDown])
    }

    @Test func cancellingTheTaskEndsTheWorker() async throws {
        let worker = try ShellWorker(
            printing: [.state(.ready(ModelInformation()))], script: "cat \"$0\"; cat >/dev/null")
        defer { worker.remove() }
        let engine = engine(worker.launcher)
        let running = Task { await engine.run() }
        await receiver.nextReady()
        running.cancel()
        await running.value
        guard case .failed(let error) = engine.state else {
            Issue.record("\(engine.state)")
            return
        }
        #expect(error.code == .shuttingDown)
    }

    @Test func standardErrorBecomesLogRecordsOfTheModel() async throws {
        let worker = try ShellWorker(printing: [], script: "echo 'error engine: boom' >&2; echo plain >&2; exit 1")
        defer { worker.remove() }
        let log = LogCapture()
        let engine = WorkerEngine(
            modelName: "tiny", launcher: worker.launcher, receiver: receiver, policy: policy(failedStarts: 1),
            logger: Logger(label: "test") { _ in log })
        async let running: Void = engine.run()
        await receiver.nextFailure()
        engine.shutdown()
        await running
        #expect(log.lines.starts(with: ["error engine: boom model=tiny", "warning plain model=tiny"]))
    }

    /// The second copy ends the worker, and the next worker continues behind the first.
    @Test func aRepeatedFrameDoublesNothing() async throws {
        let handle = GenerationHandle(rawValue: 1)
        let events = EngineEvent.Kind.lifeUntilTokens([11, 12]).map { EngineEvent(handle, $0) }
        let worker = try ShellWorker(
            printing: [.state(.ready(ModelInformation()))], then: [.events(events)],
            script: """
                echo run >>"$1/runs"; cat "$0"
                if [ $(wc -l <"$1/runs") = 1 ]; then
                    head -c \(try [EdgeFrame].first(.sample(1)).byteCount()) >/dev/null
                    cat "$1/then" "$1/then"; exec cat >/dev/null
                fi
                cat >"$1/input"
                """)
        defer { worker.remove() }
        try await supervise(worker) { engine in
            await receiver.nextReady()
            engine.submit(.sample(1))
            await receiver.nextReady()
        }
        #expect(receiver.events.filter { !$0.isEnd } == events)
        let reported = try [EdgeFrame](bytes: worker.contents("input"))
        guard reported.count > 1, case .submit(let request) = reported[1] else {
            Issue.record("\(reported)")
            return
        }
        #expect(request.continuation == [11, 12])
        let reasons = receiver.states.compactMap { state -> String? in
            if case .restarting(let error) = state { error.message } else { nil }
        }
        #expect(reasons.contains { $0.contains("frame 2 came where frame 3 was due") }, "\(reasons)")
    }

    /// Its file was replaced between two workers.
    @Test func anotherModelContinuesNoGeneration() async throws {
        var ready = ModelInformation()
        ready.parameterCount = 1
        let handle = GenerationHandle(rawValue: 1)
        let events = EngineEvent.Kind.lifeUntilTokens([11]).map { EngineEvent(handle, $0) }
        var other = ready
        other.parameterCount = 2
        other.summary = "other 2B"
        let second = try ShellWorker(printing: [.state(.ready(other))], script: "")
        defer { second.remove() }
        let worker = try ShellWorker(
            printing: [.state(.ready(ready))], then: [.events(events)],
            script: """
                echo run >>"$1/runs"
                if [ $(wc -l <"$1/runs") = 1 ]; then
                    cat "$0"; head -c \(try [EdgeFrame].first(.sample(1)).byteCount()) >/dev/null
                    cat "$1/then"; kill -9 $$
                fi
                cat "\(second.folder.appending("frames").string)"; cat >"$1/input"
                """)
        defer { worker.remove() }
        try await supervise(worker) { engine in
            await receiver.nextReady()
            engine.submit(.sample(1))
            await receiver.nextEnd(of: handle)
            let end = receiver.events.last { $0.isEnd }
            #expect(end?.error?.code == .engineLost)
            #expect(end?.error?.message == "The worker was started again with another model: other 2B")
            engine.submit(.sample(2))
        }
        let reported = try [EdgeFrame](bytes: worker.contents("input"))
        #expect(reported == [.hello(version: FrameFormat.version), .submit(.sample(2)), .shutdown])
    }

    /// A shutdown may find a worker whose process has not begun yet. It ends as soon as it begins.
    @Test func aProcessThatIsKilledBeforeItBeginsEndsAtItsBegin() {
        let kills = Mutex(0)
        let early = WorkerProcess()
        early.kill()
        early.kill()
        early.began { kills.withLock { $0 += 1 } }
        #expect(kills.withLock { $0 } == 1)
        early.kill()
        #expect(kills.withLock { $0 } == 2)
        early.ended()
        early.kill()
        early.began { kills.withLock { $0 += 1 } }
        #expect(kills.withLock { $0 } == 2)
    }
}

private final class LogCapture: LogHandler {
    private let captured = Mutex<[String]>([])
    private let attached = Mutex<Logger.Metadata>([:])

    var lines: [String] { captured.withLock { $0 } }

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    var metadata: Logger.Metadata {
        get { attached.withLock { $0 } }
        set { attached.withLock { $0 = newValue } }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { attached.withLock { $0[key] } }
        set { attached.withLock { $0[key] = newValue } }
    }

    func log(event: LogEvent) {
        let model = attached.withLock { $0["model"] } ?? "none"
        captured.withLock { $0.append("\(event.level) \(event.message) model=\(model)") }
    }
}
