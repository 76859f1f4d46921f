import MartletPlatform
package import MartletProtocol
import Synchronization

/// Runs one worker from its start to its end.
package protocol WorkerLauncher: Sendable {
    /// Starts a worker and returns when it has ended.
    ///
    /// Meanwhile the launcher writes `link.outgoing` to the worker, passes its output to `link.inbox()` and its log
    /// lines to `link.logged`. Closing `link.outgoing` asks the worker to end; after a grace period it is killed.
    func run(_ link: WorkerLink) async -> WorkerExit
}

/// One worker's connection with its supervisor.
package struct WorkerLink: Sendable {
    package let outgoing: OutgoingQueue
    /// The worker's process, while there is one.
    package let process = WorkerProcess()
    /// Receives a line of the worker's standard error.
    package let logged: @Sendable (String) -> Void
    private let received: @Sendable (WorkerFrame) -> Void

    package init(
        outgoing: OutgoingQueue,
        received: @escaping @Sendable (WorkerFrame) -> Void,
        logged: @escaping @Sendable (String) -> Void
    ) {
        self.outgoing = outgoing
        self.received = received
        self.logged = logged
    }

    /// A decoder for the worker's output. Each worker needs one of its own.
    package func inbox() -> Inbox { Inbox(received: received) }

    /// Decodes output into frames. It checks that the greeting comes first and once, and that no frame is repeated or
    /// missing.
    package struct Inbox {
        private var decoder = FrameDecoder()
        private var isGreeted = false
        /// The number of the last frame behind the greeting.
        private var lastNumber: UInt64 = 0
        private let received: @Sendable (WorkerFrame) -> Void

        fileprivate init(received: @escaping @Sendable (WorkerFrame) -> Void) { self.received = received }

        /// Consumes the next bytes of the worker's output.
        /// - Throws: If the bytes are no frames, or the versions differ. The worker must then be ended.
        package mutating func receive(_ chunk: [UInt8]) throws(FrameError) {
            decoder.append(chunk)
            while let payload = try decoder.next() {
                guard isGreeted else {
                    guard case .hello(let version) = try WorkerFrame(payload: payload) else { throw .greetingExpected }
                    guard version == FrameFormat.version else { throw .versionMismatch(theirs: version) }
                    isGreeted = true
                    continue
                }
                let (number, frame) = try WorkerFrame.numbered(payload)
                guard number == lastNumber + 1 else { throw .wrongNumber(expected: lastNumber + 1, got: number) }
                if case .hello = frame { throw .greetingExpected }
                lastNumber = number
                received(frame)
            }
        }
    }
}

/// The process of a worker, for the code that must kill it. It may be killed before it has begun: then it ends as soon
/// as it begins.
///
/// Thread: any.
package final class WorkerProcess: Sendable {
    private enum State {
        case starting
        /// The process is to be killed as soon as it begins.
        case doomed
        case running(kill: @Sendable () -> Void)
        case ended
    }
    private let state = Mutex(State.starting)
    private let number = Mutex<(identifier: pid_t?, wasKilled: Bool)>((nil, false))

    /// The number of the running process; `nil` before it begins, after it has ended, and for a worker without a process.
    var identifier: pid_t? { number.withLock { $0.identifier } }

    /// Whether `kill` was called.
    var wasKilled: Bool { number.withLock { $0.wasKilled } }

    /// Makes the handle of a process that has not begun.
    package init() {}

    /// The process leads a session, so its number is also that of the group of its children.
    func began(_ identifier: pid_t) {
        guard identifier > 1 else { return }
        number.withLock { $0.identifier = identifier }
        began {
            _ = sendSignal(-identifier, SIGKILL)
            _ = sendSignal(identifier, SIGKILL)
        }
    }

    /// The worker runs. A launcher calls this before it passes any output on.
    /// - Parameter kill: ends the worker without its cooperation. Called with a lock held: it must not block.
    package func began(_ kill: @escaping @Sendable () -> Void) {
        state.withLock { state in
            switch state {
            case .starting: state = .running(kill: kill)
            case .doomed:
                state = .running(kill: kill)
                kill()
            case .running, .ended: break
            }
        }
    }

    /// The worker has ended, and its number may be that of another process soon.
    package func ended() {
        number.withLock { $0.identifier = nil }
        state.withLock { $0 = .ended }
    }

    /// Kills the process and its children, now or when it begins.
    package func kill() {
        number.withLock { $0.wasKilled = true }
        state.withLock { state in
            switch state {
            case .starting: state = .doomed
            case .running(let kill): kill()
            case .doomed, .ended: break
            }
        }
    }
}

private func sendSignal(_ target: pid_t, _ signal: Int32) -> Int32 {
    #if canImport(Darwin)
        Darwin.kill(target, signal)
    #elseif canImport(Glibc)
        Glibc.kill(target, signal)
    #elseif canImport(Musl)
        Musl.kill(target, signal)
    #endif
}
