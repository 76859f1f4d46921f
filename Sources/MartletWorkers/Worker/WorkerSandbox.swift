import CSandbox

/// The rights that a worker gives up before it looks at a model file.
package enum WorkerSandbox {
    package enum Outcome: Sendable, Equatable {
        case entered
        /// The system offers no such thing, or does not let this process use it.
        case unavailable(errno: Int32)
    }

    /// From now on this process gets no new rights through programs that it starts, and no sockets but local ones.
    package static func enter() -> Outcome { outcome(martlet_sandbox_enter(1)) }

    /// The same for the calling thread alone, and for those that it starts.
    package static func enterThread() -> Outcome { outcome(martlet_sandbox_enter(0)) }

    private static func outcome(_ code: Int32) -> Outcome { code == 0 ? .entered : .unavailable(errno: code) }
}
