import MartletPlatform
package import MartletProtocol
import Synchronization

/// Runs one worker from its start to its end.
package protocol WorkerLauncher: Sendable {
    /// Starts a worker, writes `link.outgoing` to it, gives what it writes to `link.inbox()` and what it logs to
    /// `link.logged`, and returns when it has ended. Closing `link.outgoing` asks the worker to end; one that does not
    /// is ended by force, as is one whose `link.process` is killed.
    func run(_ link: WorkerLink) async -> WorkerExit
}

/// One worker's connection with its supervisor.
package struct WorkerLink: Sendable {
    package let outgoing: OutgoingQueue
    /// The worker's process, while there is one.
    package let process = WorkerProcess()
    /// Takes a line of the worker's standard error.
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

    /// Turns the worker's output into frames. One for each worker.
    package func inbox() -> Inbox { Inbox(received: received) }

    package struct Inbox {
        private var decoder = FrameDecoder()
        private var isGreeted = false
        private let received: @Sendable (WorkerFrame) -> Void

        fileprivate init(received: @escaping @Sendable (WorkerFrame) -> Void) { self.received = received }

        /// Takes the next bytes of the worker's output.
        /// - Throws: When they are no frames. The worker is then of no further use.
        package mutating func receive(_ chunk: [UInt8]) throws(FrameError) {
            decoder.append(chunk)
            while let payload = try decoder.next() {
                switch (try WorkerFrame(payload: payload), isGreeted) {
                case (.hello(let version), false):
                    guard version == FrameFormat.version else { throw .versionMismatch(theirs: version) }
                    isGreeted = true
                case (.hello, true), (_, false): throw .greetingExpected
                case (let frame, true): received(frame)
                }
            }
        }
    }
}

/// A worker's process, for who must end it without asking.
///
/// Thread: any.
package final class WorkerProcess: Sendable {
    private let identifier = Mutex<pid_t?>(nil)

    func began(_ identifier: pid_t) { self.identifier.withLock { $0 = identifier } }

    func ended() { identifier.withLock { $0 = nil } }

    /// Ends it at once, with its children: it leads a session of its own.
    package func kill() {
        identifier.withLock { identifier in
            guard let identifier, identifier > 1 else { return }
            _ = sendSignal(-identifier, SIGKILL)
            _ = sendSignal(identifier, SIGKILL)
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
