internal import Synchronization

/// Deletion on behalf of clients.
extension GenerationRegistry {
    /// The effect of a deletion.
    package enum Deletion: Sendable, Equatable {
        /// The generation ran and has stopped. Its text can be read until a second deletion, or until this process
        /// ends.
        case stopped
        /// The generation had ended and is removed from memory and disk.
        case removed
    }

    /// Stops a running generation, or removes an ended generation.
    ///
    /// In both cases the journal is removed before the return: no later process restores the generation.
    /// - Throws: when the journal could not be removed. The generation stays, and deletion can be tried again.
    package func delete(_ generation: Generation) async throws(JournalError) -> Deletion {
        if cancel(generation.handle) {
            await generation.log.waitForEnd()
            try await erase(generation)
            return .stopped
        }
        // The disk first: a generation that is gone for clients must not be back after a crash.
        try await erase(generation)
        state.withLock { $0.removeEnded(generation) }
        return .removed
    }

    /// Stops the running generations of a label; if none runs, removes all ended generations of that label.
    /// - Returns: `nil` = the label has no generation.
    package func delete(labelled label: String, of owner: Owner) async throws(JournalError) -> Deletion? {
        let running = state.withLock { $0.retentionStore.generations(labelled: label, of: owner) }.filter {
            cancel($0.handle)
        }
        for generation in running {
            await generation.log.waitForEnd()
            try await erase(generation)
        }
        guard running.isEmpty else { return .stopped }
        let ended = state.withLock { $0.retentionStore.endedGenerations(labelled: label, of: owner) }
        for generation in ended {
            try await erase(generation)
            state.withLock { $0.removeEnded(generation) }
        }
        return ended.isEmpty ? nil : .removed
    }

    private func erase(_ generation: Generation) async throws(JournalError) {
        guard generation.spec.isResumable, let recorder = state.withLock({ $0.recorder }) else { return }
        try await recorder.erase(generation)
    }
}
