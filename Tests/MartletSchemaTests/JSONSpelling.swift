import MartletGrammar
import MartletJSON

@testable import MartletSchema

enum JSONSpelling {
    static func string(_ text: String) -> [UInt8] { JSONValue.string(text).bytes }
}

/// A schema's grammar, with the texts that it accepts.
struct SchemaProbe {
    let grammar: Grammar
    let warnings: [String]
    private let matcher: GrammarMatcher

    init(_ schema: String, mode: SchemaMode = .strict, spacing: JSONSpacing = .free) throws {
        try self.init(JSONParser.parse(Array(schema.utf8)), mode: mode, spacing: spacing)
    }

    init(
        _ schema: JSONValue, mode: SchemaMode = .strict, spacing: JSONSpacing = .free, budget: CompileBudget? = nil
    ) throws {
        (grammar, warnings) = try SchemaCompiler(mode: mode, spacing: spacing).grammar(of: schema, budget: budget)
        matcher = GrammarMatcher(grammar)
    }

    func accepts(_ text: String) -> Bool { accepts(Array(text.utf8)) }

    func accepts(_ text: [UInt8]) -> Bool {
        var matcher = matcher
        return matcher.accept(text) && matcher.isComplete
    }
}
