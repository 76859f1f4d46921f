import Synchronization

/// Asks a running decode to give up.
///
/// Any thread may raise it; the thread that decodes lowers it. libllama looks at it before each node of its graph.
package final class AbortSignal: Sendable {
    private let isRaisedFlag = Atomic<Bool>(false)

    package init() {}

    package var isRaised: Bool { isRaisedFlag.load(ordering: .relaxed) }
    package func raise() { isRaisedFlag.store(true, ordering: .relaxed) }
    package func lower() { isRaisedFlag.store(false, ordering: .relaxed) }
}
