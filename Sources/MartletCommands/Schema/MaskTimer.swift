import Llama
import MartletGrammar

/// Computes token masks along texts and measures the time of each.
struct MaskTimer {
    /// The model's vocabulary, which tokenizes the texts.
    private let vocabulary: Vocabulary
    /// The same tokens in the form that grammars need. Hidden tokens have no text.
    private let tokens: TokenVocabulary

    /// - Parameter path: A GGUF file. Only its vocabulary is loaded.
    init(path: String) throws(SettingError) {
        QuietLoader.begin()
        do throws(LlamaError) {
            var options = Model.Options()
            options.vocabularyOnly = true
            let vocabulary = try Vocabulary(model: Model(path: path, options: options))
            self.vocabulary = vocabulary
            tokens = TokenVocabulary(count: vocabulary.count, endOfGeneration: vocabulary.endOfGeneration) { token in
                let attributes = vocabulary.attributes(token)
                return attributes.isDisjoint(with: [.hidden, .endOfGeneration]) ? vocabulary.piece(token) : nil
            }
        } catch {
            throw SettingError("--vocabulary: \(error)")
        }
    }

    /// The times of one mask before each token of the text and one behind the last token.
    ///
    /// The list ends early where the grammar does not allow the next token. It is empty if the text has no tokens or
    /// the grammar needs names of tokens.
    func times(along text: [UInt8], _ grammar: Grammar) -> [Duration] {
        var ids: [Int32] = []
        let program: GrammarProgram
        do {
            try text.withUnsafeBufferPointer { try vocabulary.tokenizeWhole($0, parsesSpecial: false, into: &ids) }
            program = try grammar.program(resolving: { _ in nil })
        } catch {
            return []
        }
        let matcher = TokenMatcher(TokenMachine(program, vocabulary: tokens))
        var times: [Duration] = []
        for id in ids + [-1] {
            let start = ContinuousClock.now
            _ = matcher.mask()
            times.append(ContinuousClock.now - start)
            guard matcher.accept(id) else { break }
        }
        return times
    }
}
