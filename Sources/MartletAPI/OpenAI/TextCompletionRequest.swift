package import MartletJSON
package import MartletProtocol

/// The body of a text completion, validated.
package struct TextCompletionRequest: Sendable, Equatable {
    package var prompt: Prompt
    package var options: CompletionOptions

    /// - Parameter randomSeed: used when the request fixes none.
    package init(_ json: JSONValue, defaults: CompletionDefaults, randomSeed: UInt64) throws(APIError) {
        let fields = try FieldReader(json)
        guard let value = fields.value("prompt") else {
            throw .field("prompt", "A text or a list of tokens is required, but the field is missing")
        }
        // The whole prompt is the caller's own format, so control tokens in it are meant.
        prompt = Prompt(pieces: try PromptPieces.one(value, name: "prompt"), addsBeginning: true)
        options = try CompletionOptions(fields, defaults: defaults, randomSeed: randomSeed)
    }
}

/// Reads a prompt: a string, a list of token ids, or a list that mixes both.
enum PromptPieces {
    static func one(_ value: JSONValue, name: String) throws(APIError) -> [Prompt.Piece] {
        switch value {
        case .string(let text): return [.text(text, isTrusted: true)]
        case .array(let elements):
            guard !elements.isEmpty else {
                throw .field(name, "A text or a list of tokens is required, but the list is empty")
            }
            let texts = elements.count { $0.stringValue != nil }
            if elements.count > 1, texts == elements.count || elements.contains(where: { $0.arrayValue != nil }) {
                throw APIError(
                    .notSupported, "Field '\(name)': several prompts in one request are not supported by this version",
                    parameter: name)
            }
            if case .array = elements[0] { return try one(elements[0], name: name) }
            return try mixed(elements, name: name, isTrusted: true)
        default: throw .field(name, "Value must be a string or a list of tokens, but is \(value.kindName)")
        }
    }

    static func mixed(_ elements: [JSONValue], name: String, isTrusted: Bool) throws(APIError) -> [Prompt.Piece] {
        var pieces: [Prompt.Piece] = []
        var tokens: [Int32] = []
        for (index, element) in elements.enumerated() {
            if let text = element.stringValue {
                if !tokens.isEmpty { pieces.append(.tokens(tokens)) }
                tokens = []
                pieces.append(.text(text, isTrusted: isTrusted))
            } else if let id = element.integerValue.flatMap(Int32.init(exactly:)), id >= 0 {
                tokens.append(id)
            } else {
                throw .field(
                    "\(name)[\(index)]", "Value must be a string or a token id, but got \(FieldReader.short(element))")
            }
        }
        if !tokens.isEmpty { pieces.append(.tokens(tokens)) }
        return pieces
    }
}
