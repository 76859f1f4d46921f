import MartletGrammar
import Testing

/// Each limit: a grammar at the limit is accepted; above it, the error names the limit.
@Suite struct GrammarLimitsTests {
    private struct Limit: Sendable, CustomStringConvertible {
        var description: String
        var limits: GrammarLimits
        var named: String
        /// A grammar that uses exactly this amount.
        var text: @Sendable (Int) -> String
        var most: Int
    }

    private static let limits: [Limit] = [
        Limit(
            description: "bytes", limits: GrammarLimits(textBytes: 40), named: "40",
            text: { "root ::= \"" + String(repeating: "a", count: $0 - 11) + "\"" }, most: 40),
        Limit(
            description: "groups", limits: GrammarLimits(depth: 7), named: "7",
            text: { "root ::= " + String(repeating: "(", count: $0) + "\"a\"" + String(repeating: ")", count: $0) },
            most: 7),
        Limit(
            description: "rules", limits: GrammarLimits(rules: 5), named: "5",
            text: { count in
                "root ::= \"x\"" + (1..<count).map { " | r\($0)" }.joined() + "\n"
                    + (1..<count).map { "r\($0) ::= \"\($0)\"\n" }.joined()
            }, most: 5),
        Limit(
            description: "repetitions", limits: GrammarLimits(repetitions: 30), named: "30",
            text: { "root ::= \"a\"{\($0)}" }, most: 30),
        Limit(
            description: "repetitions without end", limits: GrammarLimits(repetitions: 30), named: "30",
            text: { "root ::= \"a\"{\($0),}" }, most: 30),
        Limit(
            description: "repetitions at most", limits: GrammarLimits(repetitions: 30), named: "30",
            text: { "root ::= \"a\"{2,\($0)}" }, most: 30),
        Limit(
            description: "ways at once", limits: GrammarLimits(threads: 20), named: "20",
            text: { count in
                "root ::= " + (1...count).map { "r\($0)" }.joined(separator: " | ") + "\n"
                    + (1...count).map { "r\($0) ::= [a-c] \"\($0)\"\n" }.joined()
            }, most: 20),
        Limit(
            description: "ways behind a beginning", limits: GrammarLimits(threads: 40), named: "40",
            text: { count in
                "root ::= \"<\" (" + (1...count).map { "r\($0)" }.joined(separator: " | ") + ")\n"
                    + (1...count).map { "r\($0) ::= [a-z]+ \"\($0)\" [x] (\"y\" | root)\n" }.joined()
            }, most: 20),
    ]

    @Test(arguments: limits.indices) func whatIsAboveALimitIsRefused(index: Int) throws {
        let limit = Self.limits[index]
        _ = try GBNFParser.grammar(limit.text(limit.most).utf8, limits: limit.limits)
        for above in [limit.most + 1, 5 * limit.most] {
            let error = #expect(throws: GrammarError.self, "\(limit)") {
                try GBNFParser.grammar(limit.text(above).utf8, limits: limit.limits)
            }
            #expect(
                error?.kind == .limit && error?.message.contains(limit.named) == true, "\(String(describing: error))")
            #expect(error?.line != nil && error?.column != nil)
        }
    }

    @Test func nodesAndStatesAreLimited() throws {
        func builder(_ limits: GrammarLimits, _ count: Int, _ node: (Int, inout GrammarBuilder) -> GrammarBuilder.Node)
            throws -> Grammar
        {
            var builder = GrammarBuilder(limits: limits)
            let root = builder.rule(named: "root")
            builder.define(root, as: builder.choice((0..<count).map { node($0, &builder) }))
            return try builder.finish(root: root)
        }
        let nodes = GrammarLimits(nodes: 60)
        _ = try builder(nodes, 40) { builder, whole in whole.text("item \(builder)") }
        #expect(throws: GrammarError.self) { try builder(nodes, 60) { $1.text("item \($0)") } }
        // Equal expressions count once.
        _ = try builder(nodes, 10_000) { $1.text("item \($0 % 20)") }
        let states = GrammarLimits(automatonStates: 40)
        let character: (Int, inout GrammarBuilder) -> GrammarBuilder.Node = { index, builder in
            builder.characters([UInt32(0x400 + index)...UInt32(0x2000 + index)])
        }
        _ = try builder(states, 1, character)
        #expect(throws: GrammarError.self) { try builder(states, 40, character) }
    }

    /// An error has a message without position and a description with it.
    @Test func errorsAreSentences() {
        let plain = GrammarError(.limit, "The grammar has more than 5 rules.")
        #expect(plain.description == plain.message && plain.clause == "The grammar has more than 5 rules")
        let placed = GrammarError(.syntax, "A group is not closed.", line: 2, column: 7)
        #expect(placed.description == "A group is not closed. at line 2, column 7")
    }
}
