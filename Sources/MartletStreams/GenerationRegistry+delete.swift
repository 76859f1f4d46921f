internal import Synchronization

/// Generations whose clients do not want them any more.
extension GenerationRegistry {
    /// What became of what was to be deleted.
    package enum Deletion: Sendable, Equatable {
        /// It ran, and has stopped. What it wrote can be read until it is deleted again, or until this process ends.
        case stopped
        /// It had ended, and is gone from memory and disk.
        case removed
    }

    /// Ends a generation that runs, and takes one that has ended away. Returns when that has happened.
    ///
    /// In both cases it is gone from the disk then: no later process brings it back.
    /// - Throws: when the disk still has it; then it can be deleted again.
    package func delete(_ generation: Generation) async throws(JournalError) -> Deletion {
        if cancel(generation.handle) {
            await generation.log.waitForEnd()
            try await erase(generation)
            return .stopped
        }
        // First from the disk: what nobody finds any more must not be there again after a crash.
        try await erase(generation)
        state.withLock { $0.forgetEnded(generation) }
        return .removed
    }

    /// Ends what runs under a label; where nothing does, takes away all that has ended under that label. Returns when that
    /// has happened.
    /// - Returns: `nil` = there is nothing of that label.
    package func delete(labelled label: String, of owner: Owner) async throws(JournalError) -> Deletion? {
        let running = state.withLock { $0.shelf.generations(labelled: label, of: owner) }.filter { cancel($0.handle) }
        for generation in running {
            await generation.log.waitForEnd()
            try await erase(generation)
        }
        guard running.isEmpty else { return .stopped }
        let ended = state.withLock { $0.shelf.endedGenerations(labelled: label, of: owner) }
        for generation in ended {
            try await erase(generation)
            state.withLock { $0.forgetEnded(generation) }
        }
        return ended.isEmpty ? nil : .removed
    }

    private func erase(_ generation: Generation) async throws(JournalError) {
        guard generation.terms.isResumable, let recorder = state.withLock({ $0.recorder }) else { return }
        try await recorder.erase(generation)
    }
}
