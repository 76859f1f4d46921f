internal import NIOCore
internal import Synchronization

/// Logs that continue the log of an earlier process, and the handover to a later one.
extension GenerationLog {
    /// Sets the number of events that an earlier process may have emitted. The log lacks the last of them until the
    /// engine produces them again.
    func expect(priorEventCount count: Int) {
        state.withLock { $0.priorEventCount = count }
    }

    /// Whether the log lacks events that an earlier process may have emitted. Until then no other event may have their
    /// numbers.
    var isBehind: Bool { state.withLock { $0.isBehind } }

    /// The first number that no earlier process can have emitted, while the log lacks events before that number.
    var firstFreeNumber: Int? { state.withLock { $0.isBehind ? $0.priorEventCount : nil } }

    /// The position of a terminal event that replaced events which an earlier process may have emitted; `nil` = there
    /// is no such terminal event.
    var earlyTerminalCursor: LogCursor? { state.withLock { $0.storage.isEnded ? $0.storage.gap : nil } }

    /// Gives the next event this number. The numbers in between are skipped.
    func skipNumbers(to number: Int) {
        state.withLock { $0.storage.skipNumbers(to: number) }
    }

    /// Makes waiting readers write a ping that is not in the log.
    func sendUnloggedPing() {
        let readers = state.withLock { $0.armed }
        for reader in readers { reader.loop.eventLoop.execute { reader.sendUnloggedPing() } }
    }

    /// Ends all readers with an event that says that another process continues the generation.
    ///
    /// While the log lacks events of an earlier process, no other event may have their numbers: then readers end
    /// without such an event.
    func handOver(to wakeups: inout Wakeups) {
        state.withLock { state in
            guard !state.storage.isEnded, !state.isHandedOver else { return }
            if !state.isBehind { state.add(.handedOver) }
            if state.commitIndex.needsCommitNotice(of: state.storage.records.count) {
                needsCommitNotice.store(true, ordering: .relaxed)
            }
            state.isHandedOver = true
            state.collect(&wakeups)
        }
    }
}
