import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams

/// The constraint of an output as a request names it: a grammar, a schema, a pattern or a list of choices.
///
/// Several fields of several APIs can name one. More than one field is an error, as only one could be honoured.
struct ConstraintFields {
    /// The grammar; nil if the output is free.
    private(set) var constraint: GenerationConstraint?
    /// The schema of which the constraint was made.
    private(set) var schema: SchemaField?
    /// The field that names the constraint; nil for a schema.
    private(set) var textField: String?

    /// Grammars of patterns that earlier requests named. Bounded by the bytes of keys and grammars.
    private static let patternCache = GrammarCache(byteLimit: 4 << 20)

    /// The constraint of a request that names none.
    init(_ defaults: CompletionDefaults) { (constraint, schema) = (defaults.constraint, defaults.schema) }

    /// - Parameter defaults: limits and compiler. Their constraint is not used.
    /// - Throws: `invalidRequest` with code `invalid_grammar` or `invalid_schema`.
    init(_ fields: FieldReader, _ defaults: CompletionDefaults) throws(APIError) {
        let limits = defaults.grammarLimits
        let compiler = try SchemaField.compiler(fields, default: defaults.schemaCompiler)
        let guided = try GuidedFields.read(fields)
        let requested = try SchemaField.requested(fields)
        constraint = try GrammarField.read(fields, limits: limits)
        if constraint != nil { textField = "grammar" }
        // Each field alone is valid. The message names all that conflict.
        let names = [textField, requested?.name, guided?.name].compactMap(\.self)
        guard names.count <= 1 else {
            throw .field(names[0], "Only one of \(names.joined(separator: " and ")) can be honoured")
        }
        if let requested { schema = try SchemaField(requested, compiler, limits: limits) }
        switch guided?.form {
        case nil: break
        case .schema(let value)?:
            let requested = SchemaField.Requested(schema: value, name: guided?.name ?? "")
            schema = try SchemaField(requested, compiler, limits: limits)
        case .grammar(let text)?:
            textField = guided?.name
            constraint = GenerationConstraint(try GrammarField.grammar(text, field: guided?.name ?? "", limits: limits))
        case .pattern(let pattern)?:
            textField = guided?.name
            constraint = try Self.pattern(pattern, field: guided?.name ?? "", compiler, limits)
        case .choice(let texts)?:
            textField = guided?.name
            constraint = try Self.choice(texts, field: guided?.name ?? "", limits)
        }
        // A schema is compiled to a grammar like any other constraint.
        if let schema { constraint = GenerationConstraint(schema.grammar) }
    }

    /// The grammar of texts that match a regular expression as a whole.
    private static func pattern(
        _ pattern: String, field: String, _ compiler: SchemaCompiler, _ limits: GrammarLimits
    ) throws(APIError) -> GenerationConstraint? {
        do throws(SchemaError) {
            return try patternCache.grammar(of: Array("\(limits) \(pattern)".utf8)) {
                () throws(SchemaError) -> GrammarCache.Entry? in
                GrammarCache.Entry(
                    grammar: try compiler.grammar(ofTextsMatching: pattern, limits: limits), warnings: [])
            }.map { GenerationConstraint($0.grammar) }
        } catch {
            var refusal = APIError.field(field, "Value must be a pattern that can be honoured: \(error.reason)")
            refusal.code = "invalid_grammar"
            throw refusal
        }
    }

    /// The grammar of a list of texts.
    private static func choice(
        _ texts: [String], field: String, _ limits: GrammarLimits
    ) throws(APIError) -> GenerationConstraint {
        var builder = GrammarBuilder(limits: limits)
        let root = builder.rule(named: "choice")
        let node = builder.choice(texts.map { builder.text($0) })
        builder.define(root, as: node)
        do throws(GrammarError) {
            return GenerationConstraint(try builder.finish(root: root))
        } catch {
            throw APIError(error, field: field)
        }
    }
}
