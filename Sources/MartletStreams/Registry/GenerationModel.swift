package import MartletProtocol

/// The model that computes a generation, as the registry and the recorder know it.
///
/// The application core implements the protocol with its handle of a model. Thread: any.
package protocol GenerationModel: AnyObject, Sendable {
    /// The engine that receives the generation's requests. It is the same object for the life of the process, although
    /// the model may be unloaded and loaded again.
    var engine: any EngineService { get }

    /// The facts of the model; nil until it was loaded for the first time.
    var information: ModelInformation? { get }
}
