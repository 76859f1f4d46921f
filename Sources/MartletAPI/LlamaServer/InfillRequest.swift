package import MartletJSON
package import MartletProtocol
import MartletStreams
import OrderedCollections

/// The fields of `/infill` that no other route has, validated. The other fields are those of `/completion`.
package struct InfillRequest: Sendable, Equatable {
    /// A file that the completion may refer to.
    package struct File: Sendable, Equatable {
        package var name: String
        package var text: String
    }

    /// The text before the gap, and the text behind it. Text is never a control token.
    package var prefix: [Prompt.Piece]
    package var suffix: [Prompt.Piece]
    /// The beginning of the completion.
    package var beginning: String
    package var files: [File]
    /// The whole body.
    private let body: JSONValue

    /// The most files of one request.
    private static let fileLimit = 1_024
    /// The name of a file without a name, as at llama-server.
    private static let unnamedFile = "tmp"

    /// - Throws: `invalidRequest` that names the field, the rule and the value.
    package init(_ json: JSONValue) throws(APIError) {
        let fields = try FieldReader(json)
        body = json
        prefix = try Self.text(fields, "input_prefix")
        suffix = try Self.text(fields, "input_suffix")
        beginning = try fields.string("prompt") ?? ""
        files = []
        let chunks = try fields.array("input_extra") ?? []
        guard chunks.count <= Self.fileLimit else {
            throw .field("input_extra", "At most \(Self.fileLimit) files are allowed, but got \(chunks.count)")
        }
        for (index, chunk) in chunks.enumerated() {
            let path = "input_extra[\(index)]"
            guard chunk.objectValue != nil else {
                throw .field(path, "Value must be an object, but got \(FieldReader.short(chunk))")
            }
            guard let text = chunk["text"]?.stringValue else {
                throw .field(
                    path + ".text", "A string is required, but got \(chunk["text"].map(FieldReader.short) ?? "nothing")"
                )
            }
            let name = chunk["filename"] ?? .string(Self.unnamedFile)
            guard let name = name == .null ? Self.unnamedFile : name.stringValue else {
                throw .field(path + ".filename", "Value must be a string, but got \(FieldReader.short(name))")
            }
            files.append(File(name: name, text: text))
        }
    }

    /// Reads a text, or a list of texts and token ids. An empty text is allowed: the gap may be at an end of the file.
    private static func text(_ fields: FieldReader, _ name: String) throws(APIError) -> [Prompt.Piece] {
        switch fields.value(name) {
        case .string(let text)?: return [.text(text, isTrusted: false)]
        case .array(let elements)?: return try PromptFields.mixed(elements, name: name, isTrusted: false)
        case nil: throw .field(name, "A text is required, but the field is missing")
        case let other?: throw .field(name, "Value must be a string or a list, but is \(other.kindName)")
        }
    }

    /// The body of a `/completion` that continues these tokens, with all other fields of the request.
    package func completion(_ tokens: [Int32]) -> JSONValue {
        guard case .object(var members) = body else { return body }
        for name in ["input_prefix", "input_suffix", "input_extra"] { members.removeValue(forKey: name) }
        members["prompt"] = .array(tokens.map { .integer(Int64($0)) })
        return .object(members)
    }

    /// The error of a model whose vocabulary lacks tokens for this task.
    /// - Parameter field: the field that asks for the task; nil for a route of its own.
    /// - Returns: nil if the model fills gaps.
    package static func refusal(_ tokens: InfillTokens, field: String? = nil) -> APIError? {
        guard !tokens.missing.isEmpty else { return nil }
        let place = field.map { "Field '\($0)': " } ?? ""
        return APIError(
            .notSupported,
            "\(place)Infill is not supported by this model: its vocabulary has no token for "
                + tokens.missing.joined(separator: ", "), field: field)
    }
}
