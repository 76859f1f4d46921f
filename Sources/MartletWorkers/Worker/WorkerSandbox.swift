import CSandbox

/// The privileges that a worker drops before it opens a model file.
package enum WorkerSandbox {
    /// The result of entering the sandbox.
    package enum Outcome: Sendable, Equatable {
        case entered
        /// The system has no such sandbox, or refuses it to this process.
        case unavailable(errno: Int32)
    }

    /// Drops privileges of the whole process: no new privileges through started programs, and only local sockets.
    package static func enter() -> Outcome { outcome(martlet_sandbox_enter(1)) }

    /// Drops the same privileges of the calling thread and of threads that it starts.
    package static func enterThread() -> Outcome { outcome(martlet_sandbox_enter(0)) }

    private static func outcome(_ code: Int32) -> Outcome { code == 0 ? .entered : .unavailable(errno: code) }
}
