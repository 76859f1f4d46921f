/// The end of a worker process.
package enum WorkerExit: Sendable, Equatable {
    case exited(code: Int32)
    case signaled(Int32)
    /// The system killed the process, because memory ran out.
    case killedForMemory
    /// The process could not be started.
    case notStarted(String)
    /// The process wrote bytes that are no frame, and was ended.
    case brokenProtocol(FrameErrorText)

    /// The words of a `FrameError`.
    package typealias FrameErrorText = String
}

extension WorkerExit: CustomStringConvertible {
    /// A predicate: "exited with code 3".
    package var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .signaled(let number): "was ended by signal \(number)\(Self.name(ofSignal: number))"
        case .killedForMemory: "was killed by the system, which had run out of memory"
        case .notStarted(let reason): "could not be started: \(reason)"
        case .brokenProtocol(let reason): "broke the protocol: \(reason)"
        }
    }

    /// A clause about the likely cause; empty if there is none.
    package var hint: String {
        // The supervisor sends SIGKILL only to hanging workers. The kernel sends it when memory runs out.
        self == .signaled(9) ? "; the system may have run out of memory" : ""
    }

    private static func name(ofSignal number: Int32) -> String {
        // The numbers that Linux and macOS share.
        switch number {
        case 4: " (SIGILL)"
        case 6: " (SIGABRT)"
        case 8: " (SIGFPE)"
        case 9: " (SIGKILL)"
        case 11: " (SIGSEGV)"
        case 15: " (SIGTERM)"
        default: ""
        }
    }
}
