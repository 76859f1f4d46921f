import MartletJSON
import MartletProtocol
import MartletStreams

/// Reads the parameters of sampling. Names and limits are llama-server's, and so is the choice between clamping a value
/// and refusing it.
struct SamplingFields {
    /// The body of the request, or its `changes`.
    let fields: FieldReader
    /// The values of fields that the request omits.
    let defaults: SamplingParameters
    /// Whether unknown samplers and tokens are omitted with a warning, as at llama-server, or refused.
    var omitsUnknown = false
    /// One sentence per omitted value.
    private(set) var warnings: [String] = []

    init(fields: FieldReader, defaults: SamplingParameters, omitsUnknown: Bool = false) {
        self.fields = fields
        self.defaults = defaults
        self.omitsUnknown = omitsUnknown
    }

    /// The range of counts of tokens.
    private static let counts = 0...Int(Int32.max)

    /// Reads all fields of sampling.
    /// - Parameter randomSeed: the seed of a request without one.
    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    mutating func parameters(randomSeed: UInt64) throws(APIError) -> SamplingParameters {
        var sampling = defaults
        try readPenalties(&sampling)
        try readFilters(&sampling)
        try readSelection(&sampling)
        sampling.dry = try dry()
        if let (samplers, unknown) = try SamplerNames.read(fields) {
            sampling.samplers = samplers
            try omit(unknown)
        }
        if let (biases, unknown) = try LogitBiasField.read(fields) {
            sampling.logitBiases = biases
            try omit(unknown)
        }
        sampling.seed = try seed() ?? randomSeed
        return sampling
    }

    /// Turns errors into warnings, or throws the first one.
    private mutating func omit(_ unknown: [APIError]) throws(APIError) {
        if !omitsUnknown, let first = unknown.first { throw first }
        warnings += unknown.map { "\($0.message); it was omitted." }
    }

    /// Penalties for tokens that occur in the context. They are applied before the filters.
    private func readPenalties(_ sampling: inout SamplingParameters) throws(APIError) {
        if let value = try fields.integer("repeat_last_n", in: Self.counts) { sampling.repeatLastN = value }
        if let value = try fields.float("repeat_penalty") {
            // The sampler divides by the penalty.
            guard value > 0, (1 / value).isFinite else {
                throw .field("repeat_penalty", "Value must be more than 0, but got \(value)")
            }
            sampling.repeatPenalty = value
        }
        if let value = try fields.float("frequency_penalty") { sampling.frequencyPenalty = value }
        if let value = try fields.float("presence_penalty") { sampling.presencePenalty = value }
    }

    /// Filters, which remove unlikely tokens. Out-of-range probabilities are clamped to 0...1.
    private func readFilters(_ sampling: inout SamplingParameters) throws(APIError) {
        if let value = try fields.integer("top_k", in: Int(Int32.min)...Int(Int32.max)) {
            sampling.topK = max(value, 0)
        }
        if let value = try fields.float("top_p", clampedTo: 0...1) { sampling.topP = value }
        if let value = try fields.float("min_p", clampedTo: 0...1) { sampling.minP = value }
        if let value = try fields.float("top_n_sigma") { sampling.topNSigma = value }
        if let value = try fields.float("typical_p") { sampling.typicalP = value }
        if let value = try fields.float("xtc_probability", clampedTo: 0...1) { sampling.xtcProbability = value }
        if let value = try fields.float("xtc_threshold", clampedTo: 0...1) { sampling.xtcThreshold = value }
        if let value = try fields.integer("min_keep", in: Self.counts) { sampling.minKeep = value }
    }

    /// Temperature and the samplers that select the token.
    private func readSelection(_ sampling: inout SamplingParameters) throws(APIError) {
        if let value = try fields.float("temperature") { sampling.temperature = max(value, 0) }
        if let value = try fields.float("dynatemp_range") { sampling.dynamicTemperatureRange = value }
        if let value = try fields.float("dynatemp_exponent") { sampling.dynamicTemperatureExponent = value }
        if let value = try fields.integer("mirostat", in: Int(Int32.min)...Int(Int32.max)) {
            // Other numbers are clamped, as at llama-server.
            sampling.mirostat = Mirostat(rawValue: UInt8(min(max(value, 0), 2))) ?? .off
        }
        if let value = try fields.float("mirostat_tau") { sampling.mirostatTau = value }
        if let value = try fields.float("mirostat_eta") { sampling.mirostatEta = value }
        if let value = try fields.float("adaptive_target") { sampling.adaptiveTarget = min(value, 1) }
        if let value = try fields.float("adaptive_decay") {
            guard value >= 0, value <= 0.99 else {
                throw .field("adaptive_decay", "Value must be between 0.0 <= value <= 0.99, but got \(value)")
            }
            sampling.adaptiveDecay = value
        }
    }

    /// The most sequence breakers, and the most bytes of one.
    private static let breakerLimit = 64
    private static let breakerLengthLimit = 4_096

    /// The parameters of the DRY sampler ("don't repeat yourself").
    private func dry() throws(APIError) -> DryParameters {
        var dry = defaults.dry
        if let value = try fields.float("dry_multiplier") { dry.multiplier = value }
        // llama-server ignores a base below 1.
        if let value = try fields.float("dry_base"), value >= 1 { dry.base = value }
        if let value = try fields.integer("dry_allowed_length", in: Self.counts) { dry.allowedLength = value }
        if let value = try fields.integer("dry_penalty_last_n", in: Self.counts) { dry.lastN = value }
        guard let values = try fields.array("dry_sequence_breakers") else { return dry }
        let name = fields.path("dry_sequence_breakers")
        guard !values.isEmpty, values.count <= Self.breakerLimit else {
            throw .field(
                name, "Value must be a list of 1 to \(Self.breakerLimit) strings, but it has \(values.count)")
        }
        // The request's list replaces the default list.
        dry.sequenceBreakers = []
        for (index, value) in values.enumerated() {
            guard let text = value.stringValue else {
                throw .field("\(name)[\(index)]", "Value must be a string, but got \(FieldReader.short(value))")
            }
            guard text.utf8.count <= Self.breakerLengthLimit else {
                throw .field(
                    "\(name)[\(index)]",
                    "At most \(Self.breakerLengthLimit) bytes are allowed, but got \(text.utf8.count)")
            }
            dry.sequenceBreakers.append(text)
        }
        return dry
    }

    /// A negative number and 0xFFFFFFFF ask for a random seed, as at llama-server.
    private func seed() throws(APIError) -> UInt64? {
        guard let value = try fields.unsigned("seed"), value != 0xFFFF_FFFF else { return nil }
        return value
    }
}
