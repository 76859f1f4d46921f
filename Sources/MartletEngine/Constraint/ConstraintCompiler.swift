import Llama
import MartletGrammar
import MartletProtocol

/// Compiles grammars for the vocabulary of a model.
///
/// The compiled forms of the last 8 grammars are retained, because the requests of one client often have the same
/// grammar.
///
/// Thread: any.
final class ConstraintCompiler: Sendable {
    private let vocabulary: Vocabulary
    private let limits: GrammarLimits
    private let state = Locked(State())

    private struct State {
        var tokens: TokenVocabulary?
        /// The least recently used entry comes first.
        var compiled: [(grammar: Grammar, constraint: CompiledConstraint)] = []
    }

    private static let capacity = 8

    init(_ vocabulary: Vocabulary, limits: GrammarLimits) {
        self.vocabulary = vocabulary
        self.limits = limits
    }

    /// Compiles the grammar of a constraint, or returns its retained form.
    ///
    /// - Returns: `nil` if there is no constraint.
    /// - Throws: `invalidRequest` if the grammar names a token that the vocabulary does not have.
    /// - Complexity: up to some tenths of a second for the first grammar of a model with 152,000 tokens.
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

    /// Builds the table of token texts that token masks need.
    ///
    /// It takes some tenths of a second for 152,000 tokens. Therefore it is built with the first grammar, not with the
    /// model.
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

    /// Returns the token whose text is the whole of `text`; `nil` if there is none.
    private func single(_ text: String) -> Int32? {
        if let token = special(text) { return token }
        var tokens: [Int32] = []
        var text = text
        text.withUTF8 { try? vocabulary.tokenizeWhole($0, parsesSpecial: true, into: &tokens) }
        return tokens.count == 1 ? tokens[0] : nil
    }
}

/// A compiled grammar, and the vocabulary that its tokens belong to.
struct CompiledConstraint: Sendable {
    let program: GrammarProgram
    let vocabulary: TokenVocabulary
}
