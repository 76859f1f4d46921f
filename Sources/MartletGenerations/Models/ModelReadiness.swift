package import Logging
package import MartletObservability
package import MartletProtocol
internal import Synchronization

/// The state of the model, and a way to wait for the model.
///
///     loading ──▶ ready ◀──▶ restarting          a restarting engine usually loads the same model again
///        │                       │
///        └──────▶ failed ◀───────┘               terminal for a model that is always loaded
///
/// A model that is loaded on demand is `unloaded` before its first load and between its loads.
///
/// Thread: any. The engine's thread calls `engineStateChanged` once per change.
package final class ModelReadiness: Sendable {
    /// The engine's state together with the model that requests can be prepared for.
    package enum State: Sendable {
        case loading(LoadProgress)
        case ready(ServedModel)
        /// The engine restarts by itself. The model is known if the engine was ready before.
        case restarting(EngineError, ServedModel?)
        case failed(EngineError)
        /// No engine runs. The next load begins with `loading`.
        case unloaded
    }
    private struct Guarded {
        var state = State.loading(LoadProgress(stage: .starting, fraction: 0))
        /// The begin of the load that runs; nil when no load runs.
        var loadBegin: ContinuousClock.Instant? = .now
        var loadTimes = Histogram(bounds: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600])
        var waiters: [@Sendable (Result<ServedModel, EngineError>) -> Void] = []
        /// Called with the progress of the load until the model is ready or has failed.
        var observers: [@Sendable (ModelWait) -> Void] = []
        /// The model of the last load that succeeded.
        var lastModel: ServedModel?
    }
    private let guarded = Mutex(Guarded())
    private let configuration: GenerationConfiguration
    private let logger: Logger

    /// Makes the readiness of a model that has begun to load.
    package init(configuration: GenerationConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    package var state: State { guarded.withLock { $0.state } }

    /// The model of the last load, also while it is unloaded; nil before the first load.
    package var lastModel: ServedModel? { guarded.withLock { $0.lastModel } }

    /// Records that no engine runs.
    package func unload() {
        guarded.withLock { guarded in
            guarded.state = .unloaded
            guarded.loadBegin = nil
        }
    }

    /// The durations of the loads, in seconds.
    package var loadTimes: Histogram { guarded.withLock { $0.loadTimes } }

    /// The model, if requests can be prepared for it now. This includes the time in which its engine restarts.
    package var model: ServedModel? {
        switch state {
        case .ready(let model), .restarting(_, let model?): model
        default: nil
        }
    }

    /// Calls `body` once: when the model is ready or has failed. The call happens at once if that is known already, and
    /// otherwise on the engine's thread, so `body` must not take long.
    package func whenResolved(_ body: @escaping @Sendable (Result<ServedModel, EngineError>) -> Void) {
        let result = guarded.withLock { guarded -> Result<ServedModel, EngineError>? in
            switch guarded.state {
            case .ready(let model), .restarting(_, let model?): return .success(model)
            case .failed(let error): return .failure(error)
            case .loading, .restarting(_, nil), .unloaded:
                guarded.waiters.append(body)
                return nil
            }
        }
        if let result { body(result) }
    }

    /// Calls `body` with the progress of the load that runs, and with each later one until the model is ready or has failed.
    package func whenProgressing(_ body: @escaping @Sendable (ModelWait) -> Void) {
        let progress = guarded.withLock { guarded -> LoadProgress? in
            guard case .loading(let progress) = guarded.state else { return nil }
            guarded.observers.append(body)
            return progress
        }
        if let progress { body(ModelWait(.loading, fraction: progress.composite)) }
    }

    /// Records a state of the engine, and makes the `ServedModel` of a model that is ready.
    package func engineStateChanged(_ newState: EngineState) {
        switch newState {
        case .loading(let progress):
            let observers = guarded.withLock { guarded -> [@Sendable (ModelWait) -> Void] in
                // A restarted engine loads a model that is known already.
                if case .restarting(_, .some) = guarded.state { return [] }
                if guarded.loadBegin == nil { guarded.loadBegin = .now }
                guarded.state = .loading(progress)
                return guarded.observers
            }
            for observer in observers { observer(ModelWait(.loading, fraction: progress.composite)) }
        case .ready(let information):
            guarded.withLock { guarded in
                if let begin = guarded.loadBegin { guarded.loadTimes.record(begin.duration(to: .now)) }
                guarded.loadBegin = nil
            }
            let model = ServedModel(information, configuration: configuration)
            if let problem = model.templateProblem {
                logger.warning(
                    "a chat template of the model file cannot be used; its other template or ChatML replaces it",
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
            guarded.observers = []
            guarded.state = state
            if case .ready(let model) = state { guarded.lastModel = model }
            return guarded.waiters
        }
        for waiter in waiters { waiter(result) }
    }
}
