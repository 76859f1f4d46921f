import Llama
import MartletProtocol

/// The texts of sampling parameters as tokens of a vocabulary.
///
/// Example: the logit bias of the text " and" is a bias of one token. The input processor makes these values, so the
/// engine thread makes a sampler without reading a text. Immutable values; any thread may use them.
struct SamplingTokens: Sendable {
    /// The tokens of the logit biases, in their order.
    private(set) var biases: [TokenBias]
    /// The breakers of the parameters' texts, also while DRY is off: a later change may set only its multiplier.
    private(set) var breakers: SequenceBreakers
    /// The biases that no command changes: suppressed tokens of the model, and the ends of a generation if the request
    /// ignores them.
    let fixedBiases: [TokenBias]

    init(biases: [TokenBias] = [], breakers: SequenceBreakers = .none, fixedBiases: [TokenBias] = []) {
        self.biases = biases
        self.breakers = breakers
        self.fixedBiases = fixedBiases
    }

    /// Replaces the tokens whose texts a change of settings replaces.
    mutating func apply(_ change: ResolvedChange) {
        if let biases = change.biases { self.biases = biases }
        if let breakers = change.breakers { self.breakers = breakers }
    }

    /// Makes the sampler of `parameters`, whose texts these tokens are. It reads no text.
    func sampler(for parameters: SamplingParameters, vocabularySize: Int) -> Sampler {
        Sampler(parameters, biases: biases + fixedBiases, breakers: breakers, vocabularySize: vocabularySize)
    }
}

/// The texts of one change of settings as tokens. `nil` = the change has no such setting.
struct ResolvedChange: Sendable {
    var biases: [TokenBias]?
    var breakers: SequenceBreakers?
}

extension SettingsChange {
    /// Whether the change has texts that must be tokenized before a sampler is made.
    var hasSamplingTexts: Bool { keys.contains(.logitBiases) || keys.contains(.drySequenceBreakers) }
}

extension OpenedModel {
    /// Tokenizes the texts of sampling parameters. Thread: the input processor's thread.
    ///
    /// - Throws: `invalidRequest` for a token that is not in the vocabulary.
    func samplingTokens(
        of sampling: SamplingParameters, ignoringEndOfGeneration: Bool
    ) throws(EngineError) -> SamplingTokens {
        let fixed = vocabulary.suppressed + (ignoringEndOfGeneration ? vocabulary.endOfGeneration : [])
        return SamplingTokens(
            biases: try biases(sampling.logitBiases),
            breakers: breakers.breakers(of: sampling.dry.sequenceBreakers, in: vocabulary),
            fixedBiases: fixed.map { TokenBias(token: $0, bias: -.infinity) })
    }

    /// Finds the sequence breakers of the default texts, so that no request waits for them. Thread: the input
    /// processor's thread.
    func findDefaultBreakers() {
        guard generatesText else { return }
        _ = breakers.breakers(of: DryParameters().sequenceBreakers, in: vocabulary)
    }

    /// Prepares a command for the engine thread: tokenizes the texts of its changes, and compiles its grammar. Thread:
    /// the input processor's thread.
    ///
    /// - Parameter tokens: the tokens of the command's text; `nil` if it has none.
    /// - Returns: the command. An error is part of it, and becomes a refusal where the command is applied.
    func prepare(_ command: ControlCommand, tokens: Result<[Int32], EngineError>?) -> PreparedCommand {
        // The cache of the compiler retains the grammar for the engine thread.
        if let constraint = command.constraint { _ = try? constraints.compile(constraint) }
        let changes = Result { () throws(EngineError) -> [ResolvedChange] in
            try command.changes.map { change throws(EngineError) in try resolve(change) }
        }
        return PreparedCommand(command: command, tokens: tokens, changes: changes)
    }

    private func resolve(_ change: SettingsChange) throws(EngineError) -> ResolvedChange {
        let sampling = change.values.sampling
        var resolved = ResolvedChange()
        if change.keys.contains(.logitBiases) { resolved.biases = try biases(sampling.logitBiases) }
        if change.keys.contains(.drySequenceBreakers) {
            resolved.breakers = breakers.breakers(of: sampling.dry.sequenceBreakers, in: vocabulary)
        }
        return resolved
    }

    /// Converts biases of texts to biases of tokens.
    private func biases(_ biases: [LogitBias]) throws(EngineError) -> [TokenBias] {
        var result: [TokenBias] = []
        for bias in biases {
            switch bias.target {
            case .token(let token):
                guard vocabulary.isValid(token) else {
                    throw EngineError(
                        .invalidRequest,
                        "Field 'logit_bias': token \(token) is not in the vocabulary, which has 0 to \(vocabulary.count - 1)",
                        parameter: "logit_bias")
                }
                result.append(TokenBias(token: token, bias: bias.bias))
            case .text(let text):
                result += try tokenizer.tokens(ofMessage: text).map { TokenBias(token: $0, bias: bias.bias) }
            }
        }
        return result
    }
}
