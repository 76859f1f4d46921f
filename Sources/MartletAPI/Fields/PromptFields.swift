import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections

/// Reads prompts: a string, a list of token ids, a list that mixes both, or a list of any of these.
///
/// The caller formats the whole prompt. So special tokens in its text are trusted, unlike those in messages of a chat.
enum PromptFields {
    /// The most prompts of one request.
    static let countLimit = 65_536

    /// Reads one prompt or a list of prompts.
    /// - Parameter name: the field's path in error messages.
    /// - Returns: the prompts, and whether the field was a list of prompts.
    static func read(_ value: JSONValue, name: String) throws(APIError) -> (prompts: [Prompt], isList: Bool) {
        guard let elements = value.arrayValue else { return ([try one(value, name: name)], false) }
        guard !elements.isEmpty else {
            throw .field(name, "A text or a list of tokens is required, but the list is empty")
        }
        // A list with a number in it is one prompt; a list of strings or lists is several prompts.
        if elements.contains(where: { $0.doubleValue != nil }) { return ([try one(value, name: name)], false) }
        guard elements.count <= countLimit else {
            throw .field(name, "At most \(countLimit) prompts are allowed, but got \(elements.count)")
        }
        var prompts: [Prompt] = []
        prompts.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() { prompts.append(try one(element, name: "\(name)[\(index)]")) }
        return (prompts, true)
    }

    /// Reads one prompt. `{"prompt_string":…}` is llama-server's form of a prompt with media.
    static func one(_ value: JSONValue, name: String) throws(APIError) -> Prompt {
        switch value {
        case .string(let text): return Prompt(pieces: [.text(text, isTrusted: true)], addsBeginning: true)
        case .array(let elements):
            guard !elements.isEmpty else {
                throw .field(name, "A text or a list of tokens is required, but the list is empty")
            }
            let pieces = try mixed(elements, name: name, isTrusted: true)
            // A client that sends tokens has already added the beginning-of-sequence token if it wants it.
            return Prompt(pieces: pieces, addsBeginning: elements[0].stringValue != nil)
        case .object:
            // A prompt with media has the same shape, so the error must name the media.
            if let media = value["multimodal_data"] {
                throw APIError(
                    .notSupported,
                    "Field '\(name).multimodal_data': The model reads no media, but got \(FieldReader.short(media))",
                    field: "\(name).multimodal_data")
            }
            guard let prompt = value["prompt_string"], prompt.objectValue == nil else {
                throw .field(
                    "\(name).prompt_string",
                    "A text is required, but got \(value["prompt_string"]?.kindName ?? "nothing")")
            }
            return try one(prompt, name: "\(name).prompt_string")
        default: throw .field(name, "Value must be a string or a list of tokens, but is \(value.kindName)")
        }
    }

    /// Reads a list of strings and token ids. Neighbouring ids become one piece.
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
