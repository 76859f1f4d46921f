/// How a worker process ended.
package enum WorkerExit: Sendable, Equatable {
    case exited(code: Int32)
    case signaled(Int32)
    /// The process could not be started.
    case notStarted(String)
    /// It wrote something that is no frame, and was ended for it.
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
        case .notStarted(let reason): "could not be started: \(reason)"
        case .brokenProtocol(let reason): "broke the protocol: \(reason)"
        }
    }

    /// What a person may do about it, as a clause to append, or nothing.
    package var hint: String {
        // Nobody here sends this signal to a healthy worker, but the kernel does when memory runs out.
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
