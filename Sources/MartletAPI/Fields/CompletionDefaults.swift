package import MartletGenerations
package import MartletGrammar
package import MartletJSON
package import MartletProtocol
package import MartletSchema
import MartletText

/// The values of fields that a request omits. The server's flags set them.
package struct CompletionDefaults: Sendable, Equatable {
    package var sampling = SamplingParameters()
    /// The seed of every request without one; nil = a random seed per request.
    package var seed: UInt64?
    package var ignoresEndOfGeneration = false
    /// The most tokens of an output; nil = until the context is full.
    package var maximumTokens: Int?
    /// The time after which a silent stream gets a ping; nil = no pings.
    package var pingInterval: Duration? = .seconds(30)
    /// Whether a full context drops its oldest tokens instead of ending the output.
    package var shiftsContext = false
    /// The tokens at the beginning of the prompt that a context shift retains; -1 = all.
    package var keptTokens = 0
    /// The member of a response that gets the reasoning.
    package var reasoningFormat = ReasoningFormat.deepseek
    /// The most reasoning tokens of one output; nil = no limit.
    package var reasoningBudget: Int?
    /// The most reasoning tokens of one turn of the user, over several requests; nil = no limit.
    package var reasoningTurnBudget: Int?
    /// The text that the engine inserts before it ends reasoning at the budget.
    package var reasoningMessage = ""
    /// Whether OpenAI's responses include llama-server's object as `__verbose`.
    package var isVerbose = false
    /// The stop strings of requests that name none.
    package var stops: [String] = []
    /// Whether the KV cache of earlier prompts is used.
    package var reusesPrompt = true
    /// The smallest run of cached tokens that a prompt reuses at another position; 0 = none.
    package var shiftLength = 0
    /// Whether a cache report contains text of the cached prompt. It must not if owners share cached prompts.
    package var showsCachedText = true
    /// Whether the output continues the last message if that is the assistant's.
    package var continuesAssistant = true
    /// The kinds and limits of speculative decoding.
    package var speculation = SpeculationParameters()
    /// The grammar of requests that name none, and its schema if it was made of one.
    package private(set) var constraint: GenerationConstraint?
    package private(set) var schema: SchemaField?
    /// The limits of a grammar's size.
    package var grammarLimits = GrammarLimits.standard
    /// The treatment of unknown schema keywords, and the limits of a schema.
    package var schemaCompiler = SchemaCompiler(mode: .relaxed)

    /// Whether a request with an unknown field is refused; otherwise the response names the field.
    package var refusesUnknownFields = false
    /// Whether the model of the request can be unloaded, so that `keep_alive` has an effect.
    package var unloadsModels = false

    package init() {}

    /// Sets the default grammar from fields that are spelt as in a request.
    /// - Throws: the error that a request with these fields would get.
    package mutating func readConstraint(_ fields: JSONObject) throws(APIError) {
        let given = try ConstraintFields(FieldReader(.object(fields)), self)
        (constraint, schema) = (given.constraint, given.schema)
    }

    /// Sets sampling defaults from fields that are spelt as in a request.
    /// - Returns: a warning for each unknown sampler and token, which is omitted.
    package mutating func readSampling(_ fields: JSONObject) throws(APIError) -> [String] {
        var reader = SamplingFields(
            fields: try FieldReader(.object(fields)), defaults: sampling, omitsUnknown: true)
        sampling = try reader.parameters(randomSeed: sampling.seed)
        return reader.warnings
    }
}

// The raw values are the spellings of the wire.
extension ReasoningFormat {
    /// The format that a request names; nil if it names none.
    init?(_ fields: FieldReader) throws(APIError) {
        guard let name = try fields.string("reasoning_format") else { return nil }
        guard let format = Self(rawValue: name) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw .field("reasoning_format", "Value must be one of \(known), but got \"\(name.excerpt(bytes: 64))\"")
        }
        self = format
    }
}
