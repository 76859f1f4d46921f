package import MartletGrammar
package import MartletJSON
package import MartletProtocol
package import MartletSchema

/// What a request gets that does not say otherwise; set by the server's flags.
package struct CompletionDefaults: Sendable, Equatable {
    package var sampling = SamplingParameters()
    /// `nil` = another one for each request.
    package var seed: UInt64?
    package var ignoresEndOfGeneration = false
    /// `nil` = until the context is full.
    package var maximumTokens: Int?
    /// Between pings on a stream that has nothing else to say; `nil` = no pings.
    package var pingInterval: Duration? = .seconds(30)
    /// Whether an answer goes on in a full context, without the oldest tokens.
    package var shiftsContext = false
    /// How many tokens of a prompt then stay; -1 = all.
    package var keptTokens = 0
    package var reasoningFormat = ReasoningFormat.deepseek
    /// Most tokens of thinking; `nil` = no limit.
    package var reasoningBudget: Int?
    /// The same of a user's turn over several answers.
    package var reasoningTurnBudget: Int?
    package var reasoningMessage = ""
    /// Whether responses carry llama-server's own object beside OpenAI's.
    package var isVerbose = false
    /// Texts that end an answer.
    package var stops: [String] = []
    package var reusesPrompt = true
    /// Whether an answer goes on with a last message of the assistant.
    package var continuesAssistant = true
    /// What may be written, and the schema if that is what it comes from.
    package private(set) var constraint: GenerationConstraint?
    package private(set) var schema: SchemaField?
    /// What a grammar may cost.
    package var grammarLimits = GrammarLimits.standard
    /// How schemas are treated, and what one may cost.
    package var schemaCompiler = SchemaCompiler(mode: .relaxed)

    package init() {}

    /// Takes a grammar or a schema that is written as a request's field is.
    package mutating func readConstraint(_ fields: JSONObject) throws(APIError) {
        let given = try ConstraintFields(FieldReader(.object(fields)), self)
        (constraint, schema) = (given.constraint, given.schema)
    }

    /// Takes values for sampling that are written as a request's fields are.
    /// - Returns: a warning for each sampler and token that does not exist and was left out.
    package mutating func readSampling(_ fields: JSONObject) throws(APIError) -> [String] {
        var reader = SamplingFields(
            fields: try FieldReader(.object(fields)), defaults: sampling, omitsUnknown: true)
        sampling = try reader.parameters(randomSeed: sampling.seed)
        return reader.warnings
    }
}

/// Where a model's thinking goes. Names as at llama-server.
package enum ReasoningFormat: String, Sendable, CaseIterable {
    /// Stays in `content`, tags included.
    case none
    case auto
    /// Goes to `reasoning_content`.
    case deepseek
    /// As `deepseek`, but stays in `content` where the answer streams.
    case deepseekLegacy = "deepseek-legacy"

    /// The format that a request names; `nil` = none.
    init?(_ fields: FieldReader) throws(APIError) {
        guard let name = try fields.string("reasoning_format") else { return nil }
        guard let format = Self(rawValue: name) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw .field("reasoning_format", "Value must be one of \(known), but got \"\(name)\"")
        }
        self = format
    }

    /// Whether thinking stays in the content of an answer.
    package func isInContent(streams: Bool) -> Bool {
        switch self {
        case .none: true
        case .deepseekLegacy: streams
        case .auto, .deepseek: false
        }
    }
}
