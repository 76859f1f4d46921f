package import MartletGrammar
import MartletJSON
import MartletProtocol
package import MartletSchema

/// Reads `response_format` and `json_schema`, and how such a schema is to be treated: `schema_mode`,
/// `schema_whitespace`.
package struct SchemaField: Sendable, Equatable {
    package var grammar: Grammar
    /// What a schema said that is not honoured, a sentence each.
    package var warnings: [String]

    /// What was made for requests before.
    private static let sharedCache = GrammarCache()

    /// A schema in a request.
    struct Requested {
        var schema: JSONValue
        /// Where it stands in the request.
        var name: String
        /// Whether it is to be honoured in every point, or as far as it can be; `nil` = as the request has it for
        /// schemas.
        var isStrict: Bool?
    }

    init(
        _ requested: Requested, _ compiler: SchemaCompiler, limits: GrammarLimits, cache: GrammarCache = sharedCache
    ) throws(APIError) {
        var compiler = compiler
        if let isStrict = requested.isStrict { compiler.mode = isStrict ? .strict : .relaxed }
        do throws(SchemaError) {
            var size = SchemaSize()
            try size.add(requested.schema, limits: compiler.limits)
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

    /// How the request wants schemas to be treated, those of its tools too.
    static func compiler(_ fields: FieldReader, default compiler: SchemaCompiler) throws(APIError) -> SchemaCompiler {
        var compiler = compiler
        if let mode = try choice(SchemaMode.self, "schema_mode", fields) { compiler.mode = mode }
        if let spacing = try choice(JSONSpacing.self, "schema_whitespace", fields) { compiler.spacing = spacing }
        if try GuidedFields.isCompact(fields) { compiler.spacing = .compact }
        return compiler
    }

    /// - Returns: `nil` where no schema is asked for.
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

    private static func requested(format: FieldReader) throws(APIError) -> Requested? {
        switch try format.string("type") {
        case nil: throw .field("response_format.type", "A text is required, but the field is missing")
        case "text": return nil
        case "json_object":
            if let schema = format.value("schema") { return Requested(schema: schema, name: format.path("schema")) }
            return Requested(schema: ["type": "object"], name: "response_format")
        case "json_schema":
            // Some clients leave the object in between out.
            let described = try format.object("json_schema") ?? format
            _ = try described.string("name")
            guard let schema = described.value("schema") else {
                throw .field(
                    "response_format.json_schema.schema", "A JSON Schema is required, but the field is missing")
            }
            return Requested(schema: schema, name: described.path("schema"), isStrict: try described.bool("strict"))
        case let type?:
            throw .field(
                "response_format.type",
                "Value must be one of text, json_object, json_schema, but got \"\(type.prefix(64))\"")
        }
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _: Choice.Type, _ name: String, _ fields: FieldReader
    ) throws(APIError) -> Choice? where Choice.RawValue == String {
        guard let text = try fields.string(name) else { return nil }
        guard let value = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .field(name, "Value must be one of \(known), but got \"\(text.prefix(64))\"")
        }
        return value
    }
}

extension APIError {
    /// A schema that cannot be honoured.
    ///
    /// - Parameter owner: whose it is, where the field does not tell.
    package init(_ error: SchemaError, field: String, of owner: String? = nil) {
        self = .field(field, (owner.map { "\($0): " } ?? "") + error.description)
        code = "invalid_schema"
        pointer = error.pointer
        keyword = error.keyword.isEmpty ? nil : error.keyword
    }
}
