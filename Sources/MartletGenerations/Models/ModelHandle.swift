package import MartletProtocol
package import MartletStreams

/// A model that requests can name: its names and settings, its engine, and the way to use it.
///
/// A request resolves its `model` field once, with a `ModelDirectory`, and its generation carries the handle in its spec.
/// The handle lives as long as the server; the model may be loaded and unloaded meanwhile. Thread: any.
package final class ModelHandle: GenerationModel {
    /// Names, chat template and template arguments of this model. The other settings are those of the server.
    package let configuration: GenerationConfiguration
    /// The engine. A model that is not loaded has an engine that refuses requests.
    package let engine: any EngineService
    /// The state of the model.
    package let readiness: ModelReadiness
    /// The scales of the model's adapters.
    package let adapterScales = AdapterScales()
    /// The defaults of requests to this model, in the form of the dialects; nil = those of the server.
    package let defaults: (any Sendable)?
    /// Makes a lease for a model that is loaded on demand; nil = the model is always loaded.
    private let makeLease: (@Sendable (LeaseTerms) -> ModelLease)?

    /// Makes a handle.
    /// - Parameter makeLease: claims the model for one request; nil = the model is loaded while the server runs.
    package init(
        configuration: GenerationConfiguration, engine: any EngineService, readiness: ModelReadiness,
        defaults: (any Sendable)? = nil, makeLease: (@Sendable (LeaseTerms) -> ModelLease)? = nil
    ) {
        self.configuration = configuration
        self.engine = engine
        self.readiness = readiness
        self.defaults = defaults
        self.makeLease = makeLease
    }

    /// The name that responses carry.
    package var name: String { configuration.modelName }

    /// The facts of the model, from its last load; nil until it was loaded.
    package var information: ModelInformation? { readiness.lastModel?.information }

    /// Whether the model is loaded when a request needs it.
    package var loadsOnDemand: Bool { makeLease != nil }

    /// Claims the model for one request, and loads it if necessary. The lease must be ended.
    package func lease(_ terms: LeaseTerms = LeaseTerms()) -> ModelLease {
        if let makeLease { return makeLease(terms) }
        let lease = ModelLease()
        readiness.whenProgressing { lease.report($0) }
        readiness.whenResolved { lease.resolve($0.mapError { GenerationError($0) }) }
        return lease
    }

    /// Runs `body` with the loaded model, which is not unloaded meanwhile.
    ///
    /// A model that is loaded on demand is waited for. Another model must be ready, unless `waits` is set.
    /// - Throws: `unavailable` while the model loads and is not waited for; the reason why the model cannot be loaded; the
    ///   errors of `body`.
    package func withModel<Result>(
        _ terms: LeaseTerms = LeaseTerms(), waits: Bool = false, _ body: (ServedModel) async throws -> Result
    ) async throws -> Result {
        let lease = lease(terms)
        defer { lease.end() }
        if lease.result == nil, !waits, !loadsOnDemand { throw readiness.unavailability }
        return try await body(try await lease.model())
    }

    /// The model, for a caller that neither waits nor loads it.
    /// - Throws: `unavailable` while the model is not loaded.
    package func readyModel() throws(GenerationError) -> ServedModel { try readiness.readyModel() }
}

/// The models that requests can name.
package protocol ModelDirectory: Sendable {
    /// The model that a request means.
    ///
    /// The directory applies the operator's map of names (`ModelNameMap`), so no caller does.
    /// - Parameter name: the request's `model`; nil or empty = the only model, or the default one.
    /// - Throws: `notFound` for an unknown name; the message names the nearest one.
    func model(named name: String?) throws(GenerationError) -> ModelHandle

    /// The model of a generation that an earlier process began; nil if it is not served any more.
    func model(ofJournal name: String) -> ModelHandle?

    /// The warning of a response to a request with this name; nil if the named model answers.
    func warning(about name: String?) -> String?

    /// All models that exist now, by name.
    var all: [ModelHandle] { get }
}

/// The directory of a server with exactly one model, which is loaded while the server runs.
///
/// The model answers under every name. A request with another name gets a warning, or is refused if the configuration
/// says so.
package struct FixedModel: ModelDirectory {
    package let handle: ModelHandle

    /// Makes the directory of this model.
    package init(_ handle: ModelHandle) { self.handle = handle }

    /// The only model, whatever the name is.
    package func model(named name: String?) -> ModelHandle { handle }

    /// The only model: the journal's tokens are compared with it before the generation continues.
    package func model(ofJournal name: String) -> ModelHandle? { handle }

    /// The warning that the only model answers instead of the named one.
    package func warning(about name: String?) -> String? {
        handle.readiness.model?.warning(about: name, configuration: handle.configuration)
    }

    package var all: [ModelHandle] { [handle] }
}
