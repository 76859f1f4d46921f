/// How much text one question to an engine may hold, checked before any work begins.
///
/// The edge checks a request's bytes and token ids; the engine ends a tokenization that comes to more tokens.
package struct TextBudget: Sendable, Equatable {
    /// Of all texts of a request together.
    package var byteCount: Int
    /// Of all token ids of a request together, and of the tokens of its texts.
    package var tokenCount: Int

    /// 8 MiB and 1,048,576 tokens: more than the context of any model.
    package static let standard = TextBudget(byteCount: 8 << 20, tokenCount: 1 << 20)

    package init(byteCount: Int, tokenCount: Int) {
        self.byteCount = byteCount
        self.tokenCount = tokenCount
    }

    /// - Parameter field: of the request, as clients spell it.
    package func check(_ prompts: [Prompt], field: String) throws(EngineError) {
        var (bytes, tokens) = (0, 0)
        for piece in prompts.lazy.flatMap(\.pieces) {
            switch piece {
            case .text(let text, _): bytes += text.utf8.count
            case .tokens(let ids): tokens += ids.count
            }
        }
        guard bytes <= byteCount else {
            throw EngineError(
                .invalidRequest, "Field '\(field)': texts may have \(byteCount) bytes together, but have \(bytes)",
                parameter: field)
        }
        try check(tokenCount: tokens, field: field)
    }

    package func check(tokenCount count: Int, field: String) throws(EngineError) {
        guard count <= tokenCount else {
            throw EngineError(
                .invalidRequest, "Field '\(field)': \(tokenCount) tokens are allowed together, but there are \(count)",
                parameter: field)
        }
    }
}
