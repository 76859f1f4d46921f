import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams

/// A completion that a simulated client asks for. The journal stores it as the body of the client's request.
struct SimulatedRequest: Sendable, Equatable {
    var prompt: String
    var seed: UInt64
    var choices = 1
    var streams = true
    var lifetime = GenerationSpec.Lifetime.plain
    var label: String?
    var owner = Owner.open
    var maximumTokens: Int?
    var reportsTimings = false
    var reportsProgress = false
    var hasPings = false
    /// Whether the response is stored: its end waits for its file. Plain generations only.
    var isStored = false

    /// The request as a JSON body.
    var body: JSONValue {
        [
            "prompt": .string(prompt), "seed": .string("\(seed)"), "n": .integer(Int64(choices)),
            "stream": .bool(streams), "background": .bool(lifetime == .background),
            "max": .integer(Int64(maximumTokens ?? -1)), "timings": .bool(reportsTimings),
            "progress": .bool(reportsProgress), "pings": .bool(hasPings),
        ]
    }

    /// The form of the output, which the begin of the prompt names.
    var form: SimulatedForm { SimulatedForm(of: prompt) }

    init(prompt: String, seed: UInt64) {
        self.prompt = prompt
        self.seed = seed
    }

    /// Reads a body that `body` made; nil for any other value.
    init?(_ body: JSONValue) {
        guard let prompt = body["prompt"]?.stringValue, let seed = body["seed"]?.stringValue.flatMap({ UInt64($0) }),
            let choices = body["n"]?.integerValue, let maximum = body["max"]?.integerValue
        else { return nil }
        self.init(prompt: prompt, seed: seed)
        self.choices = Int(choices)
        streams = body["stream"] == .bool(true)
        if body["background"] == .bool(true) { lifetime = .background }
        maximumTokens = maximum < 0 ? nil : Int(maximum)
        reportsTimings = body["timings"] == .bool(true)
        reportsProgress = body["progress"] == .bool(true)
        hasPings = body["pings"] == .bool(true)
    }

    /// The terms that a route reads from headers and keys.
    var terms: GenerationTerms { GenerationTerms(owner: owner, lifetime: lifetime, label: label) }

    /// The completion that the core runs.
    var plan: CompletionPlan {
        var parameters = GenerationParameters()
        parameters.sampling.seed = seed
        parameters.maximumTokens = maximumTokens
        parameters.reportsTokenTimings = reportsTimings
        parameters.reportsProgress = reportsProgress
        var options = CompletionOptions(
            parameters: parameters, reasoningFormat: .auto, schemaCompiler: SchemaCompiler(), grammarLimits: .standard)
        options.streams = streams
        options.reportsLoad = reportsProgress
        options.isBackground = lifetime == .background
        options.choiceCount = choices
        options.pingInterval = hasPings ? .milliseconds(80) : nil
        return CompletionPlan(
            kind: .native,
            prepared: [form.prepare(Prompt(pieces: [.text(prompt, isTrusted: false)], addsBeginning: true))],
            options: options, body: body, promptTexts: [prompt], idPrefix: "cmpl-", makeView: { _ in SimulationView() })
    }

    /// The completion of a stored request.
    @Sendable static func plan(of stored: StoredRequest) throws(StoredRequestError) -> CompletionPlan {
        guard let request = SimulatedRequest(stored.body) else {
            throw StoredRequestError(reason: "the body is not one of a simulated client")
        }
        return request.plan
    }
}
