package import MartletPlatform
package import MartletProtocol
import Synchronization

/// The worker's side of the pipes: applies the frames of the edge to an engine and writes the engine's events.
///
/// Thread: a dedicated thread reads frames. Events are written on the thread that delivers them.
package final class WorkerHost: Sendable {
    /// The reason for which `run` returned.
    package enum End: Sendable, Equatable {
        /// The edge is gone: its end of the pipe is closed.
        case endOfInput
        /// The edge sent `shutdown`, and the engine has ended.
        case shutdown
        /// The edge wrote bytes that are no frame.
        case brokenProtocol(FrameError)
        /// The input cannot be read.
        case unreadable(String)
    }

    /// An engine with its start and its end.
    package struct HostedEngine: Sendable {
        package var service: any EngineService
        package var start: @Sendable () async -> Void
        package var shutdown: @Sendable () async -> Void
        /// The present activity of the engine's threads. Must not wait for them.
        package var activities: @Sendable () -> [ThreadActivity]

        package init(
            service: any EngineService, start: @escaping @Sendable () async -> Void,
            shutdown: @escaping @Sendable () async -> Void,
            activities: @escaping @Sendable () -> [ThreadActivity] = { [] }
        ) {
            self.service = service
            self.start = start
            self.shutdown = shutdown
            self.activities = activities
        }
    }

    /// Bytes read at once. A pipe holds no more on Linux.
    private static let chunkByteCount = 65_536

    private let input: FileDescriptor
    private let output: FrameOutput
    /// Questions that are being answered.
    private let queries = Mutex<[QueryNumber: Task<Void, Never>]>([:])

    package init(input: FileDescriptor, output: FileDescriptor) {
        self.input = input
        self.output = FrameOutput(output)
    }

    /// Greets, starts the engine and serves it until the edge is gone or asks for the end.
    package func run(makeEngine: (any EngineEventReceiver) -> HostedEngine) async -> End {
        BrokenPipes.ignore()
        do {
            try output.send(.hello(version: FrameFormat.version))
        } catch {
            return .brokenProtocol(error)
        }
        let engine = makeEngine(Receiver(output: output))
        await engine.start()
        let end: End
        do {
            end = try await DedicatedThread.run { self.readFrames(for: engine) }
        } catch {
            return .unreadable("no thread to read with: \(Errno(rawValue: error.code))")
        }
        if end == .shutdown { await engine.shutdown() }
        return end
    }

    private func readFrames(for engine: HostedEngine) -> End {
        var decoder = FrameDecoder()
        var isGreeted = false
        do {
            while true {
                let chunk = try [UInt8](unsafeUninitializedCapacity: Self.chunkByteCount) { buffer, count in
                    count = try input.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                if chunk.isEmpty { return .endOfInput }
                decoder.append(chunk)
                while let payload = try decoder.next() {
                    switch (try EdgeFrame(payload: payload), isGreeted) {
                    case (.hello(let version), false):
                        guard version == FrameFormat.version else { throw FrameError.versionMismatch(theirs: version) }
                        isGreeted = true
                    case (.hello, true), (_, false): throw FrameError.greetingExpected
                    case (.shutdown, true): return .shutdown
                    case (let frame, true): handle(frame, engine)
                    }
                }
            }
        } catch let error as FrameError {
            return .brokenProtocol(error)
        } catch {
            return .unreadable("\(error)")
        }
    }

    private func handle(_ frame: EdgeFrame, _ hosted: HostedEngine) {
        let engine = hosted.service
        switch frame {
        case .hello, .shutdown: break
        case .submit(let request): engine.submit(request)
        case .cancel(let handle): engine.cancel(handle)
        case .unpin(let prefix): engine.unpin(prefix)
        case .control(let handle, let number, let action): engine.control(handle, number, action)
        case .tokenize(let number, let prompt):
            reply(to: number) { () async throws(EngineError) in .tokens(number, try await engine.tokenize(prompt)) }
        case .detokenize(let number, let tokens):
            reply(to: number) { () async throws(EngineError) in .bytes(number, try await engine.detokenize(tokens)) }
        case .embed(let number, let inputs):
            reply(to: number) { () async throws(EngineError) in
                .embeddings(number, try await engine.embed(inputs))
            }
        case .slot(let number, let action):
            reply(to: number) { () async throws(EngineError) in .slot(number, try await engine.perform(action)) }
        case .withdraw(let number): queries.withLock { $0.removeValue(forKey: number) }?.cancel()
        case .ping:
            // Sent from this thread, which never does long work: a missing pulse means that the process hangs.
            try? output.send(.pulse(hosted.activities()))
        case .status(let number):
            reply(to: number) { () async throws(EngineError) in .status(number, try await engine.status()) }
        }
    }

    private func reply(
        to number: QueryNumber, _ makeReply: @escaping @Sendable () async throws(EngineError) -> WorkerFrame
    ) {
        // Under the lock, so that the task is there before it is over.
        queries.withLock { queries in
            queries[number] = Task {
                await send(makeReply, to: number)
                _ = self.queries.withLock { $0.removeValue(forKey: number) }
            }
        }
    }

    private func send(_ makeReply: () async throws(EngineError) -> WorkerFrame, to number: QueryNumber) async {
        do throws(EngineError) {
            let frame = try await makeReply()
            do throws(FrameError) {
                try await output.send(frame, to: number)
            } catch {
                throw EngineError(.invalidRequest, "the reply is too large: \(error)")
            }
        } catch {
            // An error's message is short.
            try? output.send(.failure(number, error))
        }
    }

    private struct Receiver: EngineEventReceiver {
        let output: FrameOutput

        func receive(_ events: [EngineEvent]) {
            do throws(FrameError) {
                try output.send(.events(events))
            } catch {
                // Together too large: one by one. An event alone holds the text of one token, or of one error.
                for event in events where events.count > 1 { receive([event]) }
            }
        }

        func engineStateChanged(_ state: EngineState) {
            do throws(FrameError) {
                try output.send(.state(state))
            } catch {
                engineStateChanged(.failed(EngineError(.loadFailed, "the model's metadata is too large: \(error)")))
            }
        }
    }
}
