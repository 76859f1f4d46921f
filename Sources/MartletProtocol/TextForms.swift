/// The tokens with which a model fills the gap between two texts (fill in the middle, FIM).
///
/// Example of a prompt: `prefix` "def f(" `suffix` "return 1" `middle`; the model then writes what belongs between.
package struct InfillTokens: Sendable, Equatable {
    /// Begins the text before the gap.
    package var prefix: Int32?
    /// Begins the text behind the gap.
    package var suffix: Int32?
    /// Begins the completion.
    package var middle: Int32?
    /// Begins the name of the repository.
    package var repository: Int32?
    /// Begins the name of a file.
    package var separator: Int32?
    /// Begins every prompt of this vocabulary; `nil` = none does.
    package var beginning: Int32?

    package init() {}

    /// The tokens without which the model cannot fill a gap and which it lacks, as words for messages.
    package var missing: [String] {
        [("prefix", prefix), ("suffix", suffix), ("middle", middle)].filter { $0.1 == nil }.map(\.0)
    }

    /// All tokens in a fixed order, with -1 for `nil`. Frames and journals store this form.
    package var numbers: [Int32] {
        get { [prefix, suffix, middle, repository, separator, beginning].map { $0 ?? -1 } }
        set {
            func token(_ index: Int) -> Int32? {
                newValue.indices.contains(index) && newValue[index] >= 0 ? newValue[index] : nil
            }
            (prefix, suffix, middle) = (token(0), token(1), token(2))
            (repository, separator, beginning) = (token(3), token(4), token(5))
        }
    }
}

/// The form in which a reranking model reads a query together with a document.
package struct RerankFormat: Sendable, Equatable {
    /// The template of the model file, with `{query}` and `{document}`; `nil` = the tokens below surround the texts.
    package var template: String?
    /// The tokens before the query, between the texts, and behind the document.
    package var before: [Int32] = []
    package var between: [Int32] = []
    package var after: [Int32] = []

    package init() {}

    /// The input that the model scores. Text of the query and of the document is never a control token.
    package func prompt(query: String, document: String) -> Prompt {
        guard let template else {
            return Prompt(
                pieces: [
                    .tokens(before), .text(query, isTrusted: false), .tokens(between),
                    .text(document, isTrusted: false), .tokens(after),
                ].filter { $0 != .tokens([]) }, addsBeginning: false)
        }
        var pieces: [Prompt.Piece] = []
        var rest = template[...]
        func append(_ text: Substring) {
            if !text.isEmpty { pieces.append(.text(String(text), isTrusted: true)) }
        }
        while let brace = rest.firstIndex(of: "{") {
            append(rest[..<brace])
            rest = rest[brace...]
            if rest.hasPrefix("{query}") {
                pieces.append(.text(query, isTrusted: false))
                rest = rest.dropFirst("{query}".count)
            } else if rest.hasPrefix("{document}") {
                pieces.append(.text(document, isTrusted: false))
                rest = rest.dropFirst("{document}".count)
            } else {
                append(rest.prefix(1))
                rest = rest.dropFirst()
            }
        }
        append(rest)
        return Prompt(pieces: pieces, addsBeginning: false)
    }
}
