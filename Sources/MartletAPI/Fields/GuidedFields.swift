import MartletJSON
import MartletStreams

/// The constraint of an output under vLLM's names: `structured_outputs` with one member, or an older `guided_…` field.
enum GuidedFields {
    /// The kinds of constraints.
    enum Form {
        /// A JSON Schema.
        case schema(JSONValue)
        /// GBNF text.
        case grammar(String)
        /// A regular expression that the whole text matches.
        case pattern(String)
        /// The texts that are allowed.
        case choice([String])
    }

    /// The names of members. The older fields have the prefix `guided_`.
    private static let kinds = ["json", "json_object", "regex", "choice", "grammar", "structural_tag"]
    /// Texts of one list, and bytes of one text.
    private static let choiceLimit = 16_384
    private static let textLimit = 65_536

    /// - Returns: the constraint and the path of its field; nil if there is none.
    /// - Throws: `invalidRequest` for two constraints; `notSupported` for structural tags.
    static func read(_ fields: FieldReader) throws(APIError) -> (form: Form, name: String)? {
        var result: (form: Form, name: String)?
        // Both forms may be present; only the number of constraints counts.
        for (reader, prefix) in [(try fields.object("structured_outputs"), ""), (fields, "guided_")] {
            guard let reader else { continue }
            for kind in kinds {
                let name = prefix + kind
                guard let form = try form(kind, reader, name) else { continue }
                if let first = result?.name {
                    throw .field(reader.path(name), "Only one of \(first) and \(reader.path(name)) can be honoured")
                }
                result = (form, reader.path(name))
            }
        }
        return result
    }

    /// Whether JSON must have no white space between tokens.
    static func isCompact(_ fields: FieldReader) throws(APIError) -> Bool {
        try fields.object("structured_outputs")?.bool("disable_any_whitespace") ?? false
    }

    /// The constraint that one member describes; nil if the member is absent or false.
    private static func form(_ kind: String, _ reader: FieldReader, _ name: String) throws(APIError) -> Form? {
        guard let value = reader.value(name) else { return nil }
        switch kind {
        case "json": return .schema(try schema(value, reader.path(name)))
        case "json_object": return try reader.bool(name) == true ? .schema(["type": "object"]) : nil
        case "regex": return .pattern(try text(reader, name))
        case "grammar": return .grammar(try text(reader, name))
        case "choice": return .choice(try choice(reader, name))
        default:
            throw APIError(
                .notSupported, "Field '\(reader.path(name))': structural tags are not supported by this version",
                field: reader.path(name))
        }
    }

    /// A schema as an object, or as its text.
    private static func schema(_ value: JSONValue, _ path: String) throws(APIError) -> JSONValue {
        guard let text = value.stringValue else { return value }
        do throws(JSONError) {
            return try JSONParser.parse(Array(text.utf8))
        } catch {
            throw .field(path, "Value must be a JSON Schema or the text of one: \(error)")
        }
    }

    /// A string that is neither empty nor too long.
    private static func text(_ reader: FieldReader, _ name: String) throws(APIError) -> String {
        let text = try reader.string(name) ?? ""
        guard (1...textLimit).contains(text.utf8.count) else {
            throw .field(reader.path(name), "Value must have 1 to \(textLimit) bytes, but has \(text.utf8.count)")
        }
        return text
    }

    private static func choice(_ reader: FieldReader, _ name: String) throws(APIError) -> [String] {
        let path = reader.path(name)
        let values = try reader.array(name) ?? []
        guard (1...choiceLimit).contains(values.count) else {
            throw .field(path, "Value must be a list of 1 to \(choiceLimit) texts, but it has \(values.count)")
        }
        var texts: [String] = []
        for (index, value) in values.enumerated() {
            guard let text = value.stringValue, !text.isEmpty else {
                throw .field(
                    "\(path)[\(index)]", "Value must be a text that is not empty, but got \(FieldReader.short(value))")
            }
            texts.append(text)
        }
        return texts
    }
}
