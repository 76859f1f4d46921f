import Llama
import MartletGrammar
import MartletProtocol

/// Grammars in the form in which they are matched against a model's tokens. Any thread may use it.
///
/// The last ones are kept, as requests of one program often have one grammar.
final class ConstraintCompiler: Sendable {
    private let vocabulary: Vocabulary
    private let limits: GrammarLimits
    private let state = Locked(State())

    private struct State {
        var tokens: TokenVocabulary?
        /// Last used last.
        var compiled: [(grammar: Grammar, constraint: CompiledConstraint)] = []
    }

    private static let capacity = 8

    init(_ vocabulary: Vocabulary, limits: GrammarLimits) {
        self.vocabulary = vocabulary
        self.limits = limits
    }

    /// - Throws: where the grammar names a token that the vocabulary does not have.
    func compile(_ constraint: GenerationConstraint?) throws(EngineError) -> CompiledConstraint? {
        guard let grammar = constraint?.grammar else { return nil }
        let (known, tokens) = state.withLock { state in
            guard let index = state.compiled.firstIndex(where: { $0.grammar == grammar }) else {
                return (CompiledConstraint?.none, state.tokens)
            }
            let entry = state.compiled.remove(at: index)
            state.compiled.append(entry)
            return (entry.constraint, state.tokens)
        }
        if let known { return known }
        let compiled: CompiledConstraint
        do throws(GrammarError) {
            compiled = CompiledConstraint(
                program: try grammar.program(limits: limits, resolving: resolve),
                vocabulary: tokens ?? tokenVocabulary())
        } catch {
            throw EngineError(.invalidRequest, "Field 'grammar': \(error)")
        }
        state.withLock { state in
            state.tokens = compiled.vocabulary
            state.compiled.append((grammar, compiled))
            if state.compiled.count > Self.capacity { state.compiled.removeFirst() }
        }
        return compiled
    }

    /// The vocabulary as masks need it: 152,000 tokens take some tenths of a second, so only once it is needed.
    private func tokenVocabulary() -> TokenVocabulary {
        TokenVocabulary(count: vocabulary.count, endOfGeneration: vocabulary.endOfGeneration) { token in
            let attributes = vocabulary.attributes(token)
            return attributes.isDisjoint(with: [.hidden, .endOfGeneration]) ? vocabulary.piece(token) : nil
        }
    }

    private func resolve(_ term: TokenTerm) -> ResolvedTerm? {
        switch term {
        case .controlToken(let text):
            special(text).map { .token($0) } ?? .bytes(Array(text.utf8))
        case .id(let id): vocabulary.isValid(id) ? .token(id) : nil
        case .text(let text): single(text).map { .token($0) }
        case .otherThanID(let id): vocabulary.isValid(id) ? .otherThan(id) : nil
        case .otherThanText(let text): single(text).map { .otherThan($0) }
        case .controlOtherThan(let texts, let ids): .controlOtherThan(texts.compactMap(special) + ids)
        }
    }

    private func special(_ text: String) -> Int32? { vocabulary.specialTokens.token(of: Array(text.utf8)) }

    /// The token that the whole text is.
    private func single(_ text: String) -> Int32? {
        if let token = special(text) { return token }
        var tokens: [Int32] = []
        var text = text
        text.withUTF8 { try? vocabulary.tokenizeWhole($0, parsesSpecial: true, into: &tokens) }
        return tokens.count == 1 ? tokens[0] : nil
    }
}

/// A grammar and the vocabulary that it is matched with.
struct CompiledConstraint: Sendable {
    let program: GrammarProgram
    let vocabulary: TokenVocabulary
}
