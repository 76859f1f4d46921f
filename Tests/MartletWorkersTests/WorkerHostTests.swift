import Logging
import MartletPlatform
import MartletProtocol
import MartletWorkers
import Synchronization
import Testing

/// Both sides of the pipes, in one process.
@Suite(.timeLimit(.minutes(15))) struct WorkerHostTests {
    private final class Host: WorkerLauncher {
        let engines = Mutex<[ScriptedEngine]>([])
        let ends = Mutex<[WorkerHost.End]>([])

        func run(_ link: WorkerLink) async -> WorkerExit {
            do {
                let toWorker = try FileDescriptor.pipe()
                let fromWorker = try FileDescriptor.pipe()
                async let hosted: Void = {
                    let host = WorkerHost(input: toWorker.readEnd, output: fromWorker.writeEnd)
                    let end = await host.run { receiver in
                        let engine = ScriptedEngine(receiver: receiver)
                        engines.withLock { $0.append(engine) }
                        return WorkerHost.HostedEngine(
                            service: engine, start: { engine.start() }, shutdown: { engine.shutdown() })
                    }
                    ends.withLock { $0.append(end) }
                    try? fromWorker.writeEnd.close()
                }()
                async let written: Void = {
                    try? await link.outgoing.drain { _ = try toWorker.writeEnd.writeAll($0) }
                    try? toWorker.writeEnd.close()
                }()
                let failure = try await DedicatedThread.run { () -> FrameError? in
                    var inbox = link.inbox()
                    do {
                        while true {
                            let chunk = try [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                                count = try fromWorker.readEnd.read(into: UnsafeMutableRawBufferPointer(buffer))
                            }
                            if chunk.isEmpty { return nil }
                            try inbox.receive(chunk)
                        }
                    } catch { return error as? FrameError }
                }
                link.outgoing.close()
                _ = await (hosted, written)
                try? toWorker.readEnd.close()
                try? fromWorker.readEnd.close()
                return failure.map { .brokenProtocol($0.description) } ?? .exited(code: 0)
            } catch {
                return .notStarted("\(error)")
            }
        }
    }

    private let host = Host()
    private let receiver = RecordingReceiver()

    private func engine() -> WorkerEngine {
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return WorkerEngine(modelName: "scripted", launcher: host, receiver: receiver, logger: quiet)
    }

    private func request(_ number: UInt64, _ text: String) -> GenerationRequest {
        GenerationRequest(
            handle: GenerationHandle(rawValue: number),
            prompt: Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false))
    }

    @Test func generationsCrossThePipesInOrder() async throws {
        let engine = engine()
        async let running: Void = engine.run()
        for number in 1...20 { engine.submit(request(UInt64(number), "answer \(number)")) }
        await receiver.nextEnd(of: GenerationHandle(rawValue: 20))
        for number in 1...20 {
            let mine = receiver.events.filter { $0.handle.rawValue == UInt64(number) }
            let text = mine.flatMap { event -> [UInt8] in
                if case .token(_, let text) = event.kind { Array(text) } else { [] }
            }
            #expect(String(decoding: text, as: UTF8.self) == "answer \(number)")
            #expect(mine.first?.kind == .admitted(promptTokens: text.count))
            #expect(mine.count(where: \.isEnd) == 1)
            #expect(mine.last?.isEnd == true)
        }
        #expect(
            receiver.states == [
                .loading(LoadProgress(stage: .textModel, fraction: 0.5)), .ready(ModelInformation()),
            ])
        engine.shutdown()
        await running
    }

    @Test func cancelCrossesThePipes() async throws {
        let engine = engine()
        async let running: Void = engine.run()
        engine.submit(request(1, "forever"))
        await receiver.next { if case .event(let event) = $0, case .token = event.kind { true } else { false } }
        engine.cancel(GenerationHandle(rawValue: 1))
        await receiver.nextEnd(of: GenerationHandle(rawValue: 1))
        guard case .finished(let completion, _) = receiver.events.last?.kind else {
            Issue.record("\(receiver.events)")
            return
        }
        #expect(completion.reason == .cancelled)
        engine.shutdown()
        await running
    }

    @Test func queriesWaitForTheWorkerAndGetTheirOwnReplies() async throws {
        let engine = engine()
        async let tokens = engine.tokenize(Prompt(pieces: [.text("hé", isTrusted: true)], addsBeginning: false))
        async let bytes = engine.detokenize([104, 105])
        async let status = engine.status()
        async let running: Void = engine.run()
        #expect(try await tokens.map(\.id) == [104, 0xC3, 0xA9])
        #expect(try await bytes == Array("hi".utf8))
        #expect(try await status.slots == [SlotStatus(index: 0)])
        let refusal = EngineError(.invalidRequest, "token 1000 is not in the vocabulary")
        await #expect(throws: refusal) { try await engine.detokenize([1000]) }
        engine.shutdown()
        await running
    }

    @Test func aLargeReplyComesInPartsAndIsWhole() async throws {
        let engine = engine()
        async let running: Void = engine.run()
        let text = String(repeating: "0123456789", count: 40_000)
        let tokens = try await engine.tokenize(Prompt(pieces: [.text(text, isTrusted: true)], addsBeginning: false))
        #expect(tokens.map(\.id) == text.utf8.map { Int32($0) })
        engine.shutdown()
        await running
    }

    @Test func aQuestionThatIsWithdrawnEndsInTheWorker() async throws {
        let engine = engine()
        async let running: Void = engine.run()
        let query = Task {
            try await engine.tokenize(Prompt(pieces: [.text("forever", isTrusted: true)], addsBeginning: false))
        }
        await receiver.nextReady()
        let hosted = try #require(host.engines.withLock { $0.first })
        await hosted.waitForQuery()
        query.cancel()
        await #expect(throws: EngineError.self) { try await query.value }
        await hosted.waitForWithdrawal()
        engine.shutdown()
        await running
    }

    @Test func aQuestionTimesOut() async throws {
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let engine = WorkerEngine(
            modelName: "scripted", launcher: host, receiver: receiver, replyTimeout: .milliseconds(1), logger: quiet)
        // The engine does not run, so there is no reply.
        await #expect(throws: EngineError.self) { try await engine.status() }
        engine.shutdown()
    }

    @Test func shutdownEndsTheEngineOfTheWorker() async throws {
        let engine = engine()
        async let running: Void = engine.run()
        await receiver.nextReady()
        engine.submit(request(1, "forever"))
        engine.shutdown()
        await running
        #expect(host.ends.withLock { $0 } == [.shutdown])
        #expect(host.engines.withLock { $0 }.map(\.wasShutDown) == [true])
        #expect(receiver.events.filter(\.isEnd).map(\.error?.code) == [.shuttingDown])
    }

    @Test func aWorkerEndsWhenItsInputEnds() async throws {
        let input = try FileDescriptor.pipe()
        let output = try FileDescriptor.pipe()
        try input.writeEnd.close()
        let end = await WorkerHost(input: input.readEnd, output: output.writeEnd).run { receiver in
            let engine = ScriptedEngine(receiver: receiver)
            return WorkerHost.HostedEngine(service: engine, start: {}, shutdown: {})
        }
        #expect(end == .endOfInput)
        for descriptor in [input.readEnd, output.readEnd, output.writeEnd] { try descriptor.close() }
    }

    @Test func aStrangerOnTheInputIsRefused() async throws {
        let input = try FileDescriptor.pipe()
        let output = try FileDescriptor.pipe()
        var bytes: [UInt8] = []
        try EdgeFrame.hello(version: FrameFormat.version + 1).encode(to: &bytes)
        try input.writeEnd.writeAll(bytes)
        let end = await WorkerHost(input: input.readEnd, output: output.writeEnd).run { receiver in
            let engine = ScriptedEngine(receiver: receiver)
            return WorkerHost.HostedEngine(service: engine, start: {}, shutdown: {})
        }
        #expect(end == .brokenProtocol(.versionMismatch(theirs: FrameFormat.version + 1)))
        for descriptor in [input.readEnd, input.writeEnd, output.readEnd, output.writeEnd] { try descriptor.close() }
    }
}
