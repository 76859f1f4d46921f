package import MartletJSON
internal import OrderedCollections

/// The settings of the application core. They are fixed at start.
package struct GenerationConfiguration: Sendable {
    /// The names of the model; responses carry the first one.
    package var modelNames = ["martlet"]
    /// Whether a request that names another model is refused. Otherwise its response has a warning.
    package var refusesOtherModelNames = false
    /// The names of this server for names of models in requests.
    package var modelNameMap = ModelNameMap()
    /// A chat template that replaces the model file's; nil = the file's.
    package var chatTemplate: String?
    /// Values that chat templates see by name, unless a request sets them.
    package var templateArguments: JSONObject = [:]
    /// Whether the output of a chat is content as a whole, reasoning and tool calls included.
    package var skipsChatParsing = false
    /// The build, as responses name it.
    package var build = "martlet"
    /// The time between two checks whether an engine that has not admitted a stream is still running. While the engine
    /// restarts, a stream begins after this time without admission.
    package var admissionTimeout: Duration = .seconds(1)
    /// The owners that share cached prompts.
    package var cacheScope = CacheScope.owner
    /// The treatment of lines that change with every request, at the head of a chat.
    package var stableHead = StableHead.off
    /// The folder for the prompts of completions; nil = none.
    package var promptLog: PromptLog?

    /// Makes the default settings.
    package init() {}

    /// The name of the model that responses carry.
    package var modelName: String { modelNames.first ?? "martlet" }
}
