import MartletGrammar
import MartletJSON

@testable import MartletSchema

enum JSONSpelling {
    static func string(_ text: String) -> [UInt8] { JSONValue.string(text).bytes }
}

/// A schema's grammar, and what it takes.
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

/// Numbers that look random and are the same each time.
struct SteadyRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
