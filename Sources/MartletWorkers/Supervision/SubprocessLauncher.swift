package import MartletPlatform
import MartletProtocol
import Subprocess

/// Runs a worker as a child process: frames on its standard input and output, log lines on its standard error.
package struct SubprocessLauncher: WorkerLauncher {
    private let executable: FilePath
    private let arguments: [String]
    private let endDelay: Duration

    /// - Parameters:
    ///   - arguments: The arguments without the executable's name.
    ///   - endDelay: the time that a worker has to end by itself. A worker with a disk tier writes prefixes meanwhile.
    package init(executable: FilePath, arguments: [String], endDelay: Duration = .milliseconds(500)) {
        self.executable = executable
        self.arguments = arguments
        self.endDelay = endDelay
    }

    /// The maximum number of bytes per read, which is the capacity of a pipe on Linux.
    private static let chunkByteCount = 65_536

    /// The end of a worker: `endDelay` to end by itself, then SIGTERM, after another 500 ms SIGKILL.
    /// Signal 0 has no effect; its step is only the wait.
    private var teardown: [TeardownStep] {
        [
            .send(signal: Signal(rawValue: 0), allowedDurationToNextStep: endDelay),
            .gracefulShutDown(allowedDurationToNextStep: .milliseconds(500)),
        ]
    }

    package func run(_ link: WorkerLink) async -> WorkerExit {
        BrokenPipes.ignore()
        var options = PlatformOptions()
        // A process group of its own: Ctrl-C at the terminal reaches the edge alone. A session of its own would also be a
        // scheduling group of its own on Linux: on a busy machine its wake-ups wait longer.
        options.processGroupID = 0
        options.teardownSequence = teardown
        do {
            let killsBefore = MemoryKills.count
            let frames = try FileDescriptor.pipe()
            defer { try? frames.readEnd.close() }
            let result = try await Subprocess.run(
                .path(executable), arguments: Arguments(arguments), environment: Self.environment,
                platformOptions: options,
                input: .inputWriter,
                output: .fileDescriptor(frames.writeEnd, closeAfterSpawningProcess: true), error: .sequence
            ) { execution in
                link.process.began(execution.processIdentifier.value)
                defer { link.process.ended() }
                return await serve(execution, frames.readEnd, link)
            }
            if let error = result.closureResult { return .brokenProtocol(error.description) }
            return switch result.terminationStatus {
            case .exited(let code): .exited(code: code)
            case .signaled(let number):
                number == SIGKILL && !link.process.wasKilled && MemoryKills.count > killsBefore
                    ? .killedForMemory : .signaled(number)
            }
        } catch {
            return .notStarted("\(executable): \(error)")
        }
    }

    /// The environment without crash reports, so that a crashed worker ends at once and is replaced.
    ///
    /// A report takes up to 14 s, stops the process meanwhile, or waits for input at a terminal. Variables that are set
    /// already are not changed.
    private static var environment: Environment {
        var added: [Environment.Key: String?] = [:]
        for (name, value) in [("GGML_NO_BACKTRACE", "1"), ("SWIFT_BACKTRACE", "enable=no")] where getenv(name) == nil {
            added[Environment.Key(stringLiteral: name)] = value
        }
        return .inherit.updating(added)
    }

    private func serve(
        _ execution: Execution<CustomWriteInput, FileDescriptorOutput, SequenceOutput>, _ frames: FileDescriptor,
        _ link: WorkerLink
    ) async -> FrameError? {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let writer = execution.standardInputWriter
                // A failed write means that the worker is gone. The end of its output has the same meaning.
                try? await link.outgoing.drain { bytes in _ = try await writer.write(bytes) }
                try? await writer.finish()
                await execution.teardown(using: teardown)
            }
            group.addTask {
                // Reads to the end in any case: a worker must never wait for a reader of its log.
                var lines = LogLineSplitter()
                do {
                    for try await bytes in execution.standardError {
                        for line in bytes.withUnsafeBytes({ lines.append($0) }) { link.logged(line) }
                    }
                } catch {
                    link.logged("the log of the worker cannot be read: \(error)")
                }
                for line in lines.finish() { link.logged(line) }
            }
            let failure = await Self.readFrames(frames, link)
            link.outgoing.close()
            await group.waitForAll()
            return failure
        }
    }

    /// Reads frames on a thread of its own until the worker closes its output.
    ///
    /// A thread that blocks is woken once for each of the engine's turns; the library's asynchronous reading changes
    /// threads several times for it, which cost more than all else that the edge does for a token.
    private static func readFrames(_ frames: FileDescriptor, _ link: WorkerLink) async -> FrameError? {
        do {
            return try await DedicatedThread.run {
                var inbox = link.inbox()
                do {
                    while true {
                        let chunk = try [UInt8](unsafeUninitializedCapacity: chunkByteCount) { buffer, count in
                            count = try frames.read(into: UnsafeMutableRawBufferPointer(buffer))
                        }
                        if chunk.isEmpty { return nil }
                        try inbox.receive(chunk)
                    }
                } catch {
                    // Any other error is the end of the worker, whose exit status says more.
                    return error as? FrameError
                }
            }
        } catch {
            link.logged("no thread can be started to read the worker: \(Errno(rawValue: error.code))")
            return nil
        }
    }
}
