import MartletGrammar
import MartletJSON
import MartletSchema

/// Any JSON is a schema that can be enforced, or is refused with its keyword. A text that its grammar accepts as a
/// whole is JSON.
enum SchemaFuzz {
    /// The text up to a zero byte is the schema, the rest is tried as an instance.
    static func run(_ input: [UInt8]) -> CInt {
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard let schema = try? JSONParser.parse(parts[0]) else { return CorpusDecision.reject }
        let limits = SchemaLimits(bytes: 1 << 16, depth: 50, nodes: 500, alternatives: 64, work: 2_000)
        for mode in SchemaMode.allCases {
            guard let grammar = try? SchemaCompiler(mode: mode, limits: limits).grammar(of: schema).grammar,
                parts.count > 1
            else { continue }
            if grammar.matches(parts[1], limits: GrammarLimits(threads: 256, work: 200_000, cacheBytes: 1 << 20)) {
                precondition((try? JSONParser.parse(parts[1])) != nil, "what the grammar takes is not JSON")
            }
        }
        return CorpusDecision.accept
    }

    /// Any text as the pattern of a string.
    static func runPattern(_ input: [UInt8]) -> CInt {
        guard let pattern = String(validating: input, as: UTF8.self) else { return CorpusDecision.reject }
        _ = try? SchemaCompiler().grammar(of: ["type": "string", "pattern": .string(pattern)])
        return CorpusDecision.accept
    }
}
