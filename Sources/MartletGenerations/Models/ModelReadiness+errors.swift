internal import MartletProtocol
package import MartletStreams

extension ModelReadiness {
    /// The model, for a caller that does not wait for it.
    /// - Throws: `unavailability` while there is no model.
    package func readyModel() throws(GenerationError) -> ServedModel {
        guard let model else { throw unavailability }
        return model
    }

    /// The reason why there is no model now.
    package var unavailability: GenerationError {
        switch state {
        case .failed(let error): GenerationError(error)
        case .restarting(let error, _): GenerationError(.unavailable, "Loading model again: \(error.message)")
        case .unloaded: GenerationError(.unavailable, "The model is not loaded")
        case .loading, .ready: GenerationError(.unavailable, "Loading model")
        }
    }
}
