package import MartletGrammar
import MartletJSON
import MartletProtocol
package import MartletSchema

/// Reads `response_format` and `json_schema`, and how such a schema is to be treated: `schema_mode`, `schema_whitespace`.
package struct SchemaField: Sendable, Equatable {
    package var grammar: Grammar
    /// What a schema said that is not honoured, a sentence each.
    package var warnings: [String]

    /// What was made for requests before.
    private static let kept = GrammarCache()

    /// - Returns: `nil` where nothing is asked for.
    static func read(
        _ fields: FieldReader, _ compiler: SchemaCompiler, limits: GrammarLimits, cache: GrammarCache = kept
    ) throws(APIError) -> SchemaField? {
        guard let (schema, name) = try schema(fields) else { return nil }
        var compiler = compiler
        let described = try fields.object("response_format")?.object("json_schema")
        if let isStrict = try described?.bool("strict") { compiler.mode = isStrict ? .strict : .relaxed }
        do throws(SchemaError) {
            var size = SchemaSize()
            try size.add(schema, limits: compiler.limits)
            let key = schema.bytes + Array("\(compiler) \(limits)".utf8)
            return try cache.grammar(of: key) { () throws(SchemaError) -> GrammarCache.Entry? in
                let (grammar, warnings) = try compiler.grammar(of: schema, limits: limits)
                return GrammarCache.Entry(grammar: grammar, warnings: warnings)
            }.map { SchemaField(grammar: $0.grammar, warnings: $0.warnings) }
        } catch {
            throw APIError(error, field: name)
        }
    }

    /// How the request wants schemas to be treated, those of its tools too.
    static func compiler(_ fields: FieldReader, default compiler: SchemaCompiler) throws(APIError) -> SchemaCompiler {
        var compiler = compiler
        if let mode = try choice(SchemaMode.self, "schema_mode", fields) { compiler.mode = mode }
        if let spacing = try choice(JSONSpacing.self, "schema_whitespace", fields) { compiler.spacing = spacing }
        return compiler
    }

    /// The schema that is asked for, and where it stands in the request.
    private static func schema(_ fields: FieldReader) throws(APIError) -> (JSONValue, name: String)? {
        let plain = fields.value("json_schema")
        guard let format = try fields.object("response_format") else {
            return plain.map { ($0, "json_schema") }
        }
        let asked: (JSONValue, name: String)?
        switch try format.string("type") {
        case nil: throw .field("response_format.type", "A text is required, but the field is missing")
        case "text": asked = nil
        case "json_object":
            if let schema = format.value("schema") {
                asked = (schema, "response_format.schema")
            } else {
                asked = (["type": "object"], "response_format")
            }
        case "json_schema":
            let name = "response_format.json_schema"
            guard let described = try format.object("json_schema") else {
                throw .field(name, "An object is required, but the field is missing")
            }
            _ = try described.string("name")
            guard let schema = described.value("schema") else {
                throw .field("\(name).schema", "A JSON Schema is required, but the field is missing")
            }
            asked = (schema, "\(name).schema")
        case let type?:
            throw .field(
                "response_format.type",
                "Value must be one of text, json_object, json_schema, but got \"\(type.prefix(64))\"")
        }
        guard let asked else { return plain.map { ($0, "json_schema") } }
        if plain != nil {
            throw .field("json_schema", "Only one of json_schema and response_format can be honoured")
        }
        return asked
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
