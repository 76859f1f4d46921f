import MartletAPI
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams

extension CompletionDefaults {
    /// Reads the settings that are defaults of request fields.
    ///
    /// Ranges are checked already. A special value becomes the type's own: a negative `--n-predict` or reasoning budget
    /// is no limit, and a ping interval below 1 is no pings.
    /// - Parameter notice: Receives a line about each value that was ignored.
    /// - Throws: If a file cannot be read, or a grammar, schema or sampler is wrong.
    init(_ values: SettingValues, notice: (String) -> Void) throws(SettingError) {
        self.init()
        if let value = values.toggle(.strictFields) { refusesUnknownFields = value }
        if let value = values.integer(.maximumTokens), value >= 0 { maximumTokens = value }
        if let value = values.number(.temperature) { sampling.temperature = max(0, value) }
        if let value = values.integer(.topK) { sampling.topK = max(0, value) }
        if let value = values.number(.topP) { sampling.topP = value }
        if let value = values.number(.minP) { sampling.minP = value }
        if let value = values.integer(.repeatLastN) { sampling.repeatLastN = value }
        if let value = values.number(.repeatPenalty) { sampling.repeatPenalty = value }
        if let value = values.number(.presencePenalty) { sampling.presencePenalty = value }
        if let value = values.number(.frequencyPenalty) { sampling.frequencyPenalty = value }
        if let value = values.integer(.reasoningBudget), value >= 0 { reasoningBudget = value }
        if let value = values.integer(.reasoningTurnBudget), value >= 0 { reasoningTurnBudget = value }
        if let value = values.text(.reasoningMessage) { reasoningMessage = value }
        if let value = values.integer(.pingInterval) { pingInterval = value > 0 ? .seconds(value) : nil }
        if let value = values.toggle(.contextShift) { shiftsContext = value }
        if let value = values.integer(.retainedTokens) { keptTokens = value }
        if let value = values.text(.reasoningFormat).flatMap(ReasoningFormat.init) { reasoningFormat = value }
        if let value = values.text(.schemaMode).flatMap(SchemaMode.init) { schemaCompiler.mode = value }
        if let value = values.text(.schemaWhitespace).flatMap(JSONSpacing.init) { schemaCompiler.spacing = value }
        if let value = values.integer(.schemaBytes) { schemaCompiler.limits.bytes = value }
        if let value = values.integer(.schemaDepth) { schemaCompiler.limits.depth = value }
        if let value = values.integer(.schemaNodes) { schemaCompiler.limits.nodes = value }
        if let value = values.integer(.schemaAlternatives) { schemaCompiler.limits.alternatives = value }
        if let value = values.integer(.grammarBytes) { grammarLimits.textBytes = value }
        if let value = values.integer(.grammarDepth) { grammarLimits.depth = value }
        if let value = values.integer(.grammarRules) { grammarLimits.rules = value }
        if let value = values.integer(.grammarNodes) { grammarLimits.nodes = value }
        if let value = values.integer(.grammarStates) { grammarLimits.automatonStates = value }
        if let value = values.integer(.grammarRepetitions) { grammarLimits.repetitions = value }
        if let value = values.list(.reversePrompt) {
            stops = values.toggle(.escape) ?? true ? value.map(EscapedText.unescaped) : value
        }
        if let value = values.toggle(.cachePrompt) { reusesPrompt = value }
        if let value = values.integer(.cacheReuse) { shiftLength = value }
        if let value = values.toggle(.prefillAssistant) { continuesAssistant = value }
        speculation.kinds = try DraftKind.chosen(values)
        isVerbose = values.isVerbose
        try readConstraint(values)
        try SamplingDefaults.apply(values, to: &self, notice: notice)
    }

    /// Reads the default constraint: a grammar or a schema, as text or from a file. At most one of the four may be set.
    private mutating func readConstraint(_ values: SettingValues) throws(SettingError) {
        guard let key = try values.chosen(of: .grammar, .grammarFile, .jsonSchema, .jsonSchemaFile),
            let given = values.text(key)
        else { return }
        let flag = "--\(key.rawValue)"
        let isFile = key == .grammarFile || key == .jsonSchemaFile
        let text = isFile ? try SmallFile.text(given, for: flag) : given
        do {
            if key == .grammar || key == .grammarFile {
                try readConstraint(["grammar": .string(text)])
            } else {
                try readConstraint(["json_schema": try JSONParser.parse(Array(text.utf8))])
            }
        } catch let error as APIError {
            throw SettingError("\(flag): \(error.message)")
        } catch {
            throw SettingError("\(flag): not JSON: \(error)")
        }
    }
}
