internal import MartletProtocol
internal import MartletStreams

/// Keeps resumable generations in journals.
struct JournalRecorder: GenerationRecorder {
    let journal: Journal
    let gate: ModelGate

    func begin(_ generation: Generation) {
        journal.begin(generation.handle, JournalHead(generation.terms))
        journal.guardReaders(of: generation)
    }

    func submit(_ request: GenerationRequest, of generation: Generation) {
        // There is one: nothing is submitted before.
        journal.take(
            JournalRequest(request, model: gate.model?.information ?? ModelInformation()), of: generation.handle)
    }

    func take(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
        journal.take(input, of: generation.handle)
    }

    func show(_ generation: Generation) { journal.showWritten(of: generation) }

    func forget(_ generation: Generation) {
        journal.remove(generation.terms.head.id)
    }

    func erase(_ generation: Generation) async throws(JournalError) {
        try await journal.erase(generation.terms.head.id)
    }
}
