internal import MartletProtocol
internal import MartletStreams

/// Keeps resumable generations in journals.
struct JournalRecorder: GenerationRecorder {
    let journal: Journal
    let modelReadiness: ModelReadiness

    func begin(_ generation: Generation) {
        journal.begin(generation.handle, JournalHead(generation.spec))
        journal.enableCommitIndex(of: generation)
    }

    func submit(_ request: GenerationRequest, of generation: Generation) {
        // There is one: nothing is submitted before.
        journal.append(
            JournalRequest(request, model: modelReadiness.model?.information ?? ModelInformation()),
            of: generation.handle)
    }

    func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
        journal.append(input, of: generation.handle)
    }

    func requestCommit(of generation: Generation) { journal.requestCommit(of: generation) }

    func remove(_ generation: Generation) {
        journal.remove(generation.spec.head.id)
    }

    func erase(_ generation: Generation) async throws(JournalError) {
        try await journal.erase(generation.spec.head.id)
    }
}
