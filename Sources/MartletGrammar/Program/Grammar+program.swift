extension Grammar {
    /// For texts without tokens: where the grammar names tokens, their texts count.
    func program(limits: GrammarLimits) -> GrammarProgram {
        var terms: [TokenTerm: ResolvedTerm] = [:]
        for term in tokenTerms {
            switch term {
            case .marker(let text), .text(let text): terms[term] = .bytes(Array(text.utf8))
            case .id, .otherThanID, .otherThanText: break
            }
        }
        return program(terms: terms, limits: limits)
    }

    /// The tokens it names.
    package var tokenTerms: [TokenTerm] {
        expressions.compactMap { if case .token(let term) = $0 { term } else { nil } }
    }

    func program(terms: [TokenTerm: ResolvedTerm], limits: GrammarLimits) -> GrammarProgram {
        let source = ProgramSource(self, terms: terms, limits: limits)
        return ProgramBuilder(source: source).program(for: source.root)
    }
}
