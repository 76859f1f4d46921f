package import MartletJSON
package import MartletProtocol
import OrderedCollections

/// The body of `/tokenize`, validated.
package struct TokenizeRequest: Sendable, Equatable {
    /// The text whose tokens are wanted. `parse_special` decides whether special tokens in it are trusted.
    package var prompt: Prompt
    /// Whether the response has the text of each token.
    package var withPieces: Bool
    /// The model whose tokens are wanted; nil = the default one.
    package var model: String?

    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue) throws(APIError) {
        let fields = try FieldReader(json)
        guard let content = fields.value("content") else {
            throw .field("content", "A text or a list of texts and tokens is required, but the field is missing")
        }
        // llama-server's default: special tokens in the text count as such.
        let isTrusted = try fields.bool("parse_special") ?? true
        let pieces: [Prompt.Piece]
        switch content {
        case .string(let text): pieces = [.text(text, isTrusted: isTrusted)]
        case .array(let elements): pieces = try PromptFields.mixed(elements, name: "content", isTrusted: isTrusted)
        default: throw .field("content", "Value must be a string or a list, but is \(content.kindName)")
        }
        prompt = Prompt(pieces: pieces, addsBeginning: try fields.bool("add_special") ?? false)
        withPieces = try fields.bool("with_pieces") ?? false
        model = fields.value("model")?.stringValue
    }

    /// `{"tokens":[…]}`: ids, or ids with their text. A piece that is no UTF-8 by itself is a list of bytes.
    /// - Parameter tokens: in the order of the text.
    package func response(_ tokens: [TokenPiece]) -> [UInt8] {
        var bytes: [UInt8] = []
        JSONText.appendRaw("{\"tokens\":[", to: &bytes)
        for (index, token) in tokens.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            guard withPieces else {
                JSONText.appendInteger(token.id, to: &bytes)
                continue
            }
            JSONText.appendRaw("{\"id\":", to: &bytes)
            JSONText.appendInteger(token.id, to: &bytes)
            JSONText.appendRaw(",\"piece\":", to: &bytes)
            if String(validating: token.bytes, as: UTF8.self) != nil {
                JSONText.appendString(token.bytes, to: &bytes)
            } else {
                JSONValue.array(token.bytes.map { .integer(Int64($0)) }).write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        JSONText.appendRaw("]}", to: &bytes)
        return bytes
    }
}

/// The body of `/detokenize`, validated.
package struct DetokenizeRequest: Sendable, Equatable {
    /// Ids that are not negative. The engine checks them against the vocabulary.
    package var tokens: [Int32]
    /// The model whose tokens they are; nil = the default one.
    package var model: String?

    /// - Throws: `invalidRequest` that names the element.
    package init(_ json: JSONValue) throws(APIError) {
        let fields = try FieldReader(json)
        guard let elements = try fields.array("tokens") else {
            throw .field("tokens", "A list of token ids is required, but the field is missing")
        }
        model = fields.value("model")?.stringValue
        tokens = []
        tokens.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard let id = element.integerValue.flatMap(Int32.init(exactly:)), id >= 0 else {
                throw .field("tokens[\(index)]", "Value must be a token id, but got \(FieldReader.short(element))")
            }
            tokens.append(id)
        }
    }

    /// `{"content":…}`. Bytes that are no UTF-8 become U+FFFD.
    package static func response(_ text: [UInt8]) -> [UInt8] {
        JSONValue.object(["content": .string(String(decoding: text, as: UTF8.self))]).bytes
    }
}
