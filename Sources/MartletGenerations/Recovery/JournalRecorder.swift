package import MartletProtocol
package import MartletStreams

/// Writes the inputs of resumable generations to journals.
///
/// Thread: under the registry's lock. The journal appends to a list, so no call blocks except `erase`, which suspends.
package struct JournalRecorder {
    private let journal: Journal

    /// Makes the recorder of a server.
    package init(journal: Journal) { self.journal = journal }
}

extension JournalRecorder: GenerationRecorder {
    package func begin(_ generation: Generation) {
        journal.begin(generation.handle, JournalHead(generation.spec))
        journal.enableCommitIndex(of: generation)
    }

    package func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation) {
        // A model is there: nothing is submitted before it is ready.
        journal.append(
            JournalRequest(
                request, model: generation.spec.model?.information ?? ModelInformation(), parserDescription: parser),
            of: generation.handle)
    }

    package func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
        journal.append(input, of: generation.handle)
    }

    package func requestCommit(of generation: Generation) { journal.requestCommit(of: generation) }

    package func remove(_ generation: Generation) {
        journal.remove(generation.spec.head.id)
    }

    package func erase(_ generation: Generation) async throws(JournalError) {
        try await journal.erase(generation.spec.head.id)
    }
}
