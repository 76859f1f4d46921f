import Synchronization

/// Asks a running decode to give up.
///
/// Any thread may raise it; the thread that decodes lowers it. libllama looks at it before each node of its graph.
package final class AbortSignal: Sendable {
    private let isRaisedFlag = Atomic<Bool>(false)
    private let checks = Atomic<UInt64>(0)

    package init() {}

    package var isRaised: Bool { isRaisedFlag.load(ordering: .relaxed) }
    /// How often libllama has looked at it: how far decodes have come, node by node.
    package var checkCount: UInt64 { checks.load(ordering: .relaxed) }

    /// Thread: the one that decodes.
    func check() -> Bool {
        checks.store(checks.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        return isRaised
    }

    package func raise() { isRaisedFlag.store(true, ordering: .relaxed) }
    package func lower() { isRaisedFlag.store(false, ordering: .relaxed) }
}
