import Llama

/// Decides whether tokens of a draft model are tokens of the model.
///
/// The rules are those of llama-server: the same kind of tokenizer, the same first token of a text, at most 128 tokens
/// more or fewer, and the same text for every token from number 5 on. Models of one family often differ in the padding
/// at the end and in the first, unused tokens. A token that ends a generation is never drafted, so these may differ.
enum VocabularyComparison {
    /// The largest difference of the numbers of tokens.
    static let sizeTolerance = 128
    /// The first token whose text is compared.
    static let firstCompared: Int32 = 5

    /// The first difference, as the end of a sentence; `nil` if the vocabularies fit.
    ///
    /// - Complexity: linear in the vocabulary.
    static func difference(_ draft: Vocabulary, from model: Vocabulary) -> String? {
        guard draft.kind == model.kind else {
            return "its tokenizer is of kind \(draft.kind), and the model's is of kind \(model.kind)"
        }
        if draft.addsBeginning != model.addsBeginning
            || model.addsBeginning && draft.beginning != model.beginning
        {
            return "its texts begin with \(described(draft.addsBeginning ? draft.beginning : nil)), and the model's "
                + "with \(described(model.addsBeginning ? model.beginning : nil))"
        }
        guard abs(draft.count - model.count) <= sizeTolerance else {
            return "it has \(draft.count) tokens, and the model has \(model.count); at most \(sizeTolerance) more or "
                + "fewer are allowed"
        }
        let count = Int32(truncatingIfNeeded: min(draft.count, model.count))
        for token in firstCompared..<max(firstCompared, count) where draft.piece(token) != model.piece(token) {
            return "token \(token) is \(quoted(draft, token)), and the model's is \(quoted(model, token))"
        }
        return nil
    }

    private static func described(_ token: Int32?) -> String { token.map { "token \($0)" } ?? "no token" }

    private static func quoted(_ vocabulary: Vocabulary, _ token: Int32) -> String { "'\(vocabulary.text(token))'" }
}
