package import MartletGrammar

extension SchemaCompiler {
    /// A grammar of the texts that `pattern` matches from beginning to end, without quotes.
    package func grammar(
        ofTextsMatching pattern: String, limits: GrammarLimits = .standard
    ) throws(SchemaError) -> Grammar {
        do {
            // Alone first: its brackets must not end the group around it.
            _ = try RegexParser.parse(pattern)
            let texts = try RegexCompiler.search("^(?:\(pattern))$", CompileBudget(limit: self.limits.work))
            var builder = GrammarBuilder(limits: limits)
            let root = builder.rule(named: "pattern")
            let node = builder.automaton(texts.plainText())
            builder.define(root, as: node)
            return try builder.finish(root: root)
        } catch let error as RegexError {
            throw SchemaError(.unsupported, pointer: "#", keyword: "pattern", error.message)
        } catch let error as GrammarError {
            throw Self.schemaError(error)
        } catch {
            throw SchemaError(.limit, pointer: "#", keyword: "pattern", String(describing: error))
        }
    }
}
