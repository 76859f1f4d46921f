import MartletConversation
package import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import MartletText

/// A schema of a request with its grammar: `response_format` or `json_schema`, and the fields that control its
/// compilation, `schema_mode` and `schema_whitespace`.
package struct SchemaField: Sendable, Equatable {
    /// The grammar of the JSON documents that the schema allows.
    package var grammar: Grammar
    /// Keywords of the schema that the grammar does not enforce, one sentence each.
    package var warnings: [String]

    /// Grammars of earlier requests, by schema and settings.
    private static let sharedCache = GrammarCache()

    /// A schema as it stands in a request.
    struct Requested {
        var schema: JSONValue
        /// The path of the schema in the request.
        var name: String
        /// Whether every keyword must be enforced. false = keywords without a grammar are omitted with a warning; nil =
        /// the
        /// mode of the request.
        var isStrict: Bool?

        /// - Parameter name: the path of the format, or of its schema, in the request.
        /// - Returns: nil for plain text.
        init?(_ format: ResponseFormat, name: String) {
            guard let schema = format.schema else { return nil }
            self.init(schema: schema, name: name)
            if case .schema(_, let isStrict) = format { self.isStrict = isStrict }
        }

        init(schema: JSONValue, name: String, isStrict: Bool? = nil) {
            self.schema = schema
            self.name = name
            self.isStrict = isStrict
        }
    }

    /// Compiles a schema, or finds its grammar in the cache.
    /// - Throws: `invalidRequest` with code `invalid_schema`, the JSON pointer and the keyword.
    init(
        _ requested: Requested, _ compiler: SchemaCompiler, limits: GrammarLimits, cache: GrammarCache = sharedCache
    ) throws(APIError) {
        var compiler = compiler
        if let isStrict = requested.isStrict { compiler.mode = isStrict ? .strict : .relaxed }
        do throws(SchemaError) {
            var size = SchemaSize()
            try size.add(requested.schema, limits: compiler.limits)
            // Everything on which the grammar depends is part of the key.
            let key = requested.schema.bytes + Array("\(compiler) \(limits)".utf8)
            let entry = try cache.grammar(of: key) { () throws(SchemaError) -> GrammarCache.Entry? in
                let (grammar, warnings) = try compiler.grammar(of: requested.schema, limits: limits)
                return GrammarCache.Entry(grammar: grammar, warnings: warnings)
            }
            guard let entry else { throw SchemaError(.unsatisfiable, pointer: "#", keyword: "", "no grammar was made") }
            grammar = entry.grammar
            warnings = entry.warnings
        } catch {
            throw APIError(error, field: requested.name)
        }
    }

    /// The compiler of all schemas of a request, those of its tools included.
    static func compiler(_ fields: FieldReader, default compiler: SchemaCompiler) throws(APIError) -> SchemaCompiler {
        var compiler = compiler
        if let mode = try choice(SchemaMode.self, "schema_mode", fields) { compiler.mode = mode }
        if let spacing = try choice(JSONSpacing.self, "schema_whitespace", fields) { compiler.spacing = spacing }
        if try GuidedFields.isCompact(fields) { compiler.spacing = .compact }
        return compiler
    }

    /// - Returns: nil if the request has no schema.
    static func requested(_ fields: FieldReader) throws(APIError) -> Requested? {
        let plain = fields.value("json_schema").map { Requested(schema: $0, name: "json_schema") }
        guard let format = try fields.object("response_format"), let requested = try requested(format: format) else {
            return plain
        }
        guard plain == nil else {
            throw .field("json_schema", "Only one of json_schema and response_format can be honoured")
        }
        return requested
    }

    /// The schema of `response_format`; nil for plain text.
    private static func requested(format: FieldReader) throws(APIError) -> Requested? {
        switch try format.string("type") {
        case nil: throw .field("response_format.type", "A text is required, but the field is missing")
        case "text": return Requested(.text, name: "response_format")
        // `json` and `value` are Text Generation Inference's names: huggingface_hub translates `json_schema` into them.
        case "json_object", "json":
            for name in ["schema", "value"] {
                guard let schema = format.value(name) else { continue }
                return Requested(.schema(schema, isStrict: nil), name: format.path(name))
            }
            return Requested(.object, name: "response_format")
        case "json_schema":
            // Some clients omit the object in between; Text Generation Inference calls it `value`.
            let name = format.value("json_schema") == nil ? "value" : "json_schema"
            let described = try format.object(name) ?? format
            _ = try described.string("name")
            described.accept("description")
            guard let schema = described.value("schema") else {
                throw .field(
                    "response_format.json_schema.schema", "A JSON Schema is required, but the field is missing")
            }
            return Requested(
                .schema(schema, isStrict: try described.bool("strict")), name: described.path("schema"))
        case let type?:
            throw .field(
                "response_format.type",
                "Value must be one of text, json_object, json_schema, but got \"\(type.excerpt(bytes: 64))\"")
        }
    }

    /// The value of a field that has one of a few spellings.
    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _: Choice.Type, _ name: String, _ fields: FieldReader
    ) throws(APIError) -> Choice? where Choice.RawValue == String {
        guard let text = try fields.string(name) else { return nil }
        guard let value = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .field(name, "Value must be one of \(known), but got \"\(text.excerpt(bytes: 64))\"")
        }
        return value
    }
}
