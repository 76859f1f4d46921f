/// The largest amount of text in one query, checked before any work begins.
///
/// The edge checks the bytes and token ids of a request; the engine stops a tokenization that exceeds the number of
/// tokens.
package struct TextBudget: Sendable, Equatable {
    /// Bytes of all texts of a request together.
    package var byteCount: Int
    /// Token ids of a request together, and tokens of its texts.
    package var tokenCount: Int

    /// 8 MiB and 1,048,576 tokens: more than the context of any model.
    package static let standard = TextBudget(byteCount: 8 << 20, tokenCount: 1 << 20)

    package init(byteCount: Int, tokenCount: Int) {
        self.byteCount = byteCount
        self.tokenCount = tokenCount
    }

    /// Checks the texts and token ids of prompts.
    ///
    /// - Parameter field: the field of the request in the spelling of clients.
    /// - Throws: `invalidRequest`.
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

    /// Checks a number of tokens.
    ///
    /// - Throws: `invalidRequest`.
    package func check(tokenCount count: Int, field: String) throws(EngineError) {
        guard count <= tokenCount else {
            throw EngineError(
                .invalidRequest, "Field '\(field)': \(tokenCount) tokens are allowed together, but there are \(count)",
                parameter: field)
        }
    }
}
