internal import NIOCore
internal import Synchronization

/// What an earlier process told of a generation, and what this one leaves to the next.
extension GenerationLog {
    /// Events with numbers below `count` may have been told by an earlier process, and are still to be told again.
    func expect(priorEventCount count: Int) {
        state.withLock { $0.priorEventCount = count }
    }

    /// Whether events are missing that an earlier process may have told. Until they are there nothing else may take
    /// their numbers.
    var isBehind: Bool { state.withLock { $0.isBehind } }

    /// The first number that no earlier process can have told, as long as numbers before it are missing.
    var firstFreeNumber: Int? { state.withLock { $0.isBehind ? $0.priorEventCount : nil } }

    /// Where the end lies that came instead of events which an earlier process may have told; `nil` = there is no such
    /// end.
    var earlyTerminalCursor: LogCursor? { state.withLock { $0.storage.isEnded ? $0.storage.leap : nil } }

    /// The next event gets this number: the numbers before it are left out.
    func leap(to number: Int) {
        state.withLock { $0.storage.leap(to: number) }
    }

    /// Has readers that wait for more give a sign of life which is no part of the log.
    func sendUnloggedPing() {
        let readers = state.withLock { $0.armed }
        for reader in readers { reader.loop.eventLoop.execute { reader.sendUnloggedPing() } }
    }

    /// Says to all readers, as the last event of this process, that the generation goes on elsewhere.
    ///
    /// As long as events are missing that an earlier process told, nothing may take their numbers: then readers end
    /// without a word.
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
