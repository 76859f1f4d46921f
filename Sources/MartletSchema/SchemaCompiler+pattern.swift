package import MartletGrammar

extension SchemaCompiler {
    /// A grammar of the texts, without quotes, that `pattern` matches from their first to their last character.
    ///
    /// Example: `[0-9]{2}` admits `42`, and neither `421` nor `"42"`.
    ///
    /// - Throws: an error with the keyword `pattern`; of kind `unsupported` for syntax that has no automaton.
    package func grammar(
        ofTextsMatching pattern: String, limits: GrammarLimits = .standard
    ) throws(SchemaError) -> Grammar {
        do {
            // The pattern is parsed alone first: a `)` in it must not close the group that is put around it.
            _ = try RegexParser.parse(pattern)
            let budget = CompileBudget(limit: self.limits.work)
            let texts = try CountedTexts.search("^(?:\(pattern))$", budget)
            let expander = SchemaExpander(
                nodes: [], limits: self.limits, budget: budget, patterns: PatternTable(within: budget))
            var emitter = SchemaEmitter(
                builder: GrammarBuilder(limits: limits), expander: expander, notation: .json, spacing: spacing)
            let shape = StringShape(
                automaton: texts.automaton, minimum: texts.minimum, maximum: texts.maximum)
            let node = try emitter.texts(of: texts.automaton, shape, quote: nil)
            let root = emitter.builder.rule(named: "pattern")
            emitter.builder.define(root, as: node)
            return try emitter.builder.finish(root: root)
        } catch let error as SchemaError {
            throw error
        } catch let error as RegexError {
            throw SchemaError(.unsupported, pointer: "#", keyword: "pattern", error.message)
        } catch let error as GrammarError {
            throw Self.schemaError(error)
        } catch {
            throw SchemaError(.limit, pointer: "#", keyword: "pattern", String(describing: error))
        }
    }
}
