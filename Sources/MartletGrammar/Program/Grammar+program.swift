extension Grammar {
    /// The tokens it names.
    package var tokenTerms: [TokenTerm] {
        expressions.compactMap { if case .token(let term) = $0 { term } else { nil } }
    }

    /// The form in which it is matched.
    ///
    /// - Parameter resolve: what a vocabulary makes of a token term; `nil` = it has no such token.
    /// - Throws: where a token is named that there is not.
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

    /// For texts without tokens: where the grammar names tokens, their texts count.
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
