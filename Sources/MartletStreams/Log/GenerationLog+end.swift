internal import NIOCore
internal import Synchronization

/// The terminal event of a generation whose response is stored waits for the response's file.
///
/// Example: a client that has received `response.completed` finds the response after a `kill -9`, because the file was
/// written before. Text is not held back.
extension GenerationLog {
    /// Makes the terminal event visible only when `releaseEnd` is called, or `commitTimeout` after its append.
    ///
    /// No effect on a log with a journal: the journal has the terminal event before readers see it, and the next
    /// server makes the response from the journal.
    package func holdEnd() {
        state.withLock { state in
            guard state.commitIndex.policy == .allVisible, !state.storage.isEnded else { return }
            state.commitIndex.set(.endHeld, count: state.storage.records.count)
        }
    }

    /// Makes the terminal event visible. Later calls, and calls without `holdEnd`, have no effect.
    package func releaseEnd() {
        let count = state.withLock { $0.commitIndex.policy == .endHeld ? $0.storage.records.count : nil }
        if let count { commit(upTo: count) }
    }

    /// Returns when readers may see the terminal event, after a handover, or when the task is cancelled.
    package func waitForVisibleEnd() async {
        await waitForEnd()
        if state.withLock({ $0.storage.isEnded && $0.beginsWaiting() }) { startCommitTimer(on: timerLoop()) }
        await wait(LogWaiter(needsVisibleEnd: true))
    }
}

extension GenerationLog.State {
    /// Whether a task need not wait any longer.
    func isMet(_ waiter: LogWaiter) -> Bool {
        if waiter.needsVisibleEnd {
            return storage.isEnded && visibleCount == storage.records.count || isHandedOver
        }
        return storage.isEnded || isHandedOver || waiter.admissions.map { admittedCount >= $0 } ?? false
    }

    /// Whether a reader, a reply or a task waits for events to become visible.
    var hasWaiting: Bool {
        !armed.isEmpty || !replies.isEmpty || waiters.contains { $0.needsVisibleEnd }
    }
}
