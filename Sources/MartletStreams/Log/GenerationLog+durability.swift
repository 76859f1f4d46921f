internal import Synchronization

/// Events that a later server could not emit again, although their kind is one that it can.
extension GenerationLog {
    /// From now on all events become visible only when they are durable, because no engine can reproduce them.
    func requireDurability() {
        state.withLock { state in
            guard state.commitIndex.policy == .textAhead else { return }
            state.commitIndex.set(.durableOnly, count: state.storage.records.count)
        }
    }

    /// The next event, and those behind it, become visible only when it is durable.
    ///
    /// Example: a cancelled generation ends with the text that its output parser has withheld. If the server dies before the
    /// end is durable, the next server continues the generation, and the text comes under other numbers.
    func requireDurabilityOfNextEvent() {
        state.withLock { $0.commitIndex.block(at: $0.storage.records.count) }
    }
}
