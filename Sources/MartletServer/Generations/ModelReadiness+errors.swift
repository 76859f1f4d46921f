internal import MartletAPI
internal import MartletProtocol

extension ModelReadiness {
    /// The model, for a route that does not wait for it.
    /// - Throws: what a client is told while there is none.
    func readyModel() throws(APIError) -> ServedModel {
        guard let model else { throw unavailability }
        return model
    }

    /// Why there is no model now.
    var unavailability: APIError {
        switch state {
        case .failed(let error): APIError(error)
        case .restarting(let error, _): APIError(.unavailable, "Loading model again: \(error.message)")
        case .loading, .ready: APIError(.unavailable, "Loading model")
        }
    }
}

extension EngineError {
    /// A refusal that comes after the response has begun, in the form that a log keeps.
    init(_ error: APIError) {
        let code: Code =
            switch error.kind {
            case .contextExceeded: .contextExceeded
            case .overloaded, .rateLimited: .overloaded
            case .unavailable: .shuttingDown
            case .server: .generationFailed
            case .invalidRequest, .authentication, .forbidden, .notFound, .methodNotAllowed, .timeout, .conflict,
                .tooLarge, .upgradeRequired,
                .unsupportedMedia, .notImplemented, .uriTooLong, .rangeNotSatisfiable, .headersTooLarge, .notSupported:
                .invalidRequest
            }
        self.init(
            code, error.message, parameter: error.parameter, promptTokens: error.promptTokens,
            contextSize: error.contextSize)
    }
}
