internal import MartletStreams
internal import Synchronization

/// An executor that runs a step when its owner says so, on the thread of the owner.
package final class ManualStepExecutor: Sendable {
    private let steps = Mutex<[@Sendable () -> Bool]>([])

    /// Makes an executor without steps.
    package init() {}

    /// Whether a step waits.
    package var hasStep: Bool { steps.withLock { !$0.isEmpty } }

    /// Calls the step that was submitted first.
    /// - Returns: false if there was none.
    @discardableResult
    package func runStep() -> Bool {
        guard let step = steps.withLock({ $0.first }) else { return false }
        // A step that is to be called again stays in front of those submitted later.
        if !step() { steps.withLock { _ = $0.removeFirst() } }
        return true
    }
}

extension ManualStepExecutor: StepExecutor {
    package func submit(after delay: @escaping @Sendable () -> Duration, _ step: @escaping @Sendable () -> Bool) {
        steps.withLock { $0.append(step) }
    }

    package func shutDown() async { while runStep() {} }
}
