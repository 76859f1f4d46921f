import Synchronization

/// A signal that aborts a running decode.
///
/// Any thread may raise it; the decoding thread lowers it. libllama checks it before each node of its graph.
package final class AbortSignal: Sendable {
    private let isRaisedFlag = Atomic<Bool>(false)
    private let checks = Atomic<UInt64>(0)

    package init() {}

    package var isRaised: Bool { isRaisedFlag.load(ordering: .relaxed) }
    /// The number of checks by libllama: a measure of the progress of decodes, node by node.
    package var checkCount: UInt64 { checks.load(ordering: .relaxed) }

    /// Whether to abort. Counts the check. Thread: the decoding thread.
    func check() -> Bool {
        checks.store(checks.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        return isRaised
    }

    /// Requests the abort of the running decode, and of later ones until `lower()`. Thread: any.
    package func raise() { isRaisedFlag.store(true, ordering: .relaxed) }
    /// Withdraws the request. Thread: the decoding thread.
    package func lower() { isRaisedFlag.store(false, ordering: .relaxed) }
}
