internal import Logging
internal import MartletAPI
internal import MartletObservability
internal import MartletProtocol
internal import Synchronization

/// Whether the model is there, and a way to wait for it.
///
/// Thread: any. `engineStateChanged` is called on the engine's thread, once per change.
final class ModelReadiness: Sendable {
    enum State: Sendable {
        case loading(LoadProgress)
        case ready(ServedModel)
        /// The engine comes back by itself. What it serves is known if it was ready before.
        case restarting(EngineError, ServedModel?)
        case failed(EngineError)
    }
    private struct Guarded {
        var state = State.loading(LoadProgress(stage: .starting, fraction: 0))
        /// When the model that is not there began to load.
        var loadBegin: ContinuousClock.Instant? = .now
        var loadTimes = Histogram(bounds: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600])
        var waiters: [@Sendable (Result<ServedModel, EngineError>) -> Void] = []
    }
    private let guarded = Mutex(Guarded())
    private let configuration: ServerConfiguration
    private let logger: Logger

    init(configuration: ServerConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    var state: State { guarded.withLock { $0.state } }

    /// How long loading took each time, in seconds.
    var loadTimes: Histogram { guarded.withLock { $0.loadTimes } }

    /// The model, if requests can be prepared for it now: also while its engine comes back.
    var model: ServedModel? {
        switch state {
        case .ready(let model), .restarting(_, let model?): model
        default: nil
        }
    }

    /// Calls `body` once: when the model is there, or when it is certain that it will not be.
    func whenResolved(_ body: @escaping @Sendable (Result<ServedModel, EngineError>) -> Void) {
        let result = guarded.withLock { guarded -> Result<ServedModel, EngineError>? in
            switch guarded.state {
            case .ready(let model), .restarting(_, let model?): return .success(model)
            case .failed(let error): return .failure(error)
            case .loading, .restarting(_, nil):
                guarded.waiters.append(body)
                return nil
            }
        }
        if let result { body(result) }
    }

    /// Waits until the model is there, or until it is certain that it will not be.
    func loadedModel() async throws(APIError) -> ServedModel {
        let result = await withCheckedContinuation { continuation in
            whenResolved { continuation.resume(returning: $0) }
        }
        return try result.mapError(APIError.init).get()
    }

    func engineStateChanged(_ newState: EngineState) {
        switch newState {
        case .loading(let progress):
            guarded.withLock { guarded in
                // A restarted engine loads again what is known already.
                if case .restarting(_, .some) = guarded.state { return }
                guarded.state = .loading(progress)
            }
        case .ready(let information):
            guarded.withLock { guarded in
                if let begin = guarded.loadBegin { guarded.loadTimes.record(begin.duration(to: .now)) }
                guarded.loadBegin = nil
            }
            let model = ServedModel(information, configuration: configuration)
            if let problem = model.templateProblem {
                logger.warning(
                    "a chat template of the model file cannot be used, its other one or ChatML stands in for it",
                    metadata: ["error": "\(problem)"])
            }
            resolve(.ready(model), .success(model))
        case .restarting(let error):
            guarded.withLock { guarded in
                guarded.loadBegin = .now
                switch guarded.state {
                case .ready(let model), .restarting(_, let model?): guarded.state = .restarting(error, model)
                default: guarded.state = .restarting(error, nil)
                }
            }
        case .failed(let error):
            resolve(.failed(error), .failure(error))
        }
    }

    private func resolve(_ state: State, _ result: Result<ServedModel, EngineError>) {
        let waiters = guarded.withLock { guarded in
            defer { guarded.waiters = [] }
            guarded.state = state
            return guarded.waiters
        }
        for waiter in waiters { waiter(result) }
    }
}
