// The engine reads the parameters of a request by these names.
extension GenerationRequest {
    package var sampling: SamplingParameters {
        get { parameters.sampling }
        set { parameters.sampling = newValue }
    }
    package var maximumTokens: Int? {
        get { parameters.maximumTokens }
        set { parameters.maximumTokens = newValue }
    }
    package var maximumTime: Duration? {
        get { parameters.maximumTime }
        set { parameters.maximumTime = newValue }
    }
    package var stops: [String] {
        get { parameters.stops }
        set { parameters.stops = newValue }
    }
    package var ignoresEndOfGeneration: Bool {
        get { parameters.ignoresEndOfGeneration }
        set { parameters.ignoresEndOfGeneration = newValue }
    }
    package var reusesPrompt: Bool {
        get { parameters.reusesPrompt }
        set { parameters.reusesPrompt = newValue }
    }
    package var reportsProgress: Bool {
        get { parameters.reportsProgress }
        set { parameters.reportsProgress = newValue }
    }
    package var reportsPromptLogprobs: Bool {
        get { parameters.reportsPromptLogprobs }
        set { parameters.reportsPromptLogprobs = newValue }
    }
    package var reportsTokenTimings: Bool {
        get { parameters.reportsTokenTimings }
        set { parameters.reportsTokenTimings = newValue }
    }
    package var probabilities: ProbabilityRequest? {
        get { parameters.probabilities }
        set { parameters.probabilities = newValue }
    }
    package var constraint: GenerationConstraint? {
        get { parameters.constraint }
        set { parameters.constraint = newValue }
    }
    package var slot: Int? {
        get { parameters.slot }
        set { parameters.slot = newValue }
    }
    package var minimumIndent: Int {
        get { parameters.minimumIndent }
        set { parameters.minimumIndent = newValue }
    }
    package var contextShift: ContextShift? {
        get { parameters.contextShift }
        set { parameters.contextShift = newValue }
    }
    package var speculation: SpeculationParameters {
        get { parameters.speculation }
        set { parameters.speculation = newValue }
    }
}
