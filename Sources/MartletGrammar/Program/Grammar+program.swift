extension Grammar {
    /// The token terms of the grammar.
    package var tokenTerms: [TokenTerm] {
        expressions.compactMap { if case .token(let term) = $0 { term } else { nil } }
    }

    /// The program that matches the grammar.
    ///
    /// - Parameter resolve: the tokens of a vocabulary for a term; `nil` if the vocabulary lacks the token.
    /// - Throws: an error of kind `unknownToken`.
    package func program(
        limits: GrammarLimits = .standard, resolving resolve: (TokenTerm) -> ResolvedTerm?
    ) throws(GrammarError) -> GrammarProgram {
        var terms: [TokenTerm: ResolvedTerm] = [:]
        for term in tokenTerms {
            guard let resolved = resolve(term) else {
                throw GrammarError(.unknownToken, "The vocabulary has no token \(term).")
            }
            terms[term] = resolved
        }
        return program(limits: limits, terms: terms)
    }

    /// The program for texts without tokens: the texts of named tokens count instead.
    func program(limits: GrammarLimits) -> GrammarProgram {
        var terms: [TokenTerm: ResolvedTerm] = [:]
        for term in tokenTerms {
            switch term {
            case .controlToken(let text), .text(let text): terms[term] = .bytes(Array(text.utf8))
            case .id, .otherThanID, .otherThanText, .controlOtherThan: break
            }
        }
        return program(limits: limits, terms: terms)
    }

    private func program(limits: GrammarLimits, terms: [TokenTerm: ResolvedTerm]) -> GrammarProgram {
        let source = ProgramSource(self, terms: terms, limits: limits)
        let regular = RegularParts(source)
        return ProgramBuilder(source: source, automata: regular.automata).program(for: source.root)
    }
}

extension TokenTerm: CustomStringConvertible {
    package var description: String {
        switch self {
        case .controlToken(let text), .text(let text): text
        case .id(let id): "<[\(id)]>"
        case .otherThanID(let id): "!<[\(id)]>"
        case .otherThanText(let text): "!\(text)"
        case .controlOtherThan: "of control"
        }
    }
}
