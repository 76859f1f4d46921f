package import MartletGrammar
package import MartletJSON

/// What happens to a keyword that cannot be honoured.
package enum SchemaMode: String, Sendable, Equatable, CaseIterable {
    /// The schema is refused, and the keyword named.
    case strict
    /// The keyword is left out, and a warning says so.
    case relaxed
}

/// A schema as part of a grammar.
package struct CompiledSchema: Sendable {
    package var node: GrammarBuilder.Node
    /// What was left out, a sentence each.
    package var warnings: [String]
    /// How many schemas it was made of.
    package var schemaCount: Int
}

/// Makes grammars of JSON Schemas.
package struct SchemaCompiler: Sendable, Equatable {
    package var mode: SchemaMode
    package var spacing: JSONSpacing
    package var limits: SchemaLimits

    package init(mode: SchemaMode = .strict, spacing: JSONSpacing = .free, limits: SchemaLimits = .standard) {
        self.mode = mode
        self.spacing = spacing
        self.limits = limits
    }

    /// The texts of the values that fulfil `schema`, as an expression of `builder`.
    ///
    /// Never a text of another value. Of the texts of a value that fulfils it, those with the members in the order of
    /// the schema; see `design.md` for what else is left out.
    ///
    /// - Throws: then `builder` is as it was.
    package func compile(
        _ schema: JSONValue, in builder: inout GrammarBuilder, budget: CompileBudget? = nil
    ) throws(SchemaError) -> CompiledSchema {
        try compile(schema, as: .json, in: &builder, budget, isForArguments: false) { emitter, root in
            try emitter.value(root)
        }
    }

    /// The objects that fulfil `schema`, as the arguments of a call.
    ///
    /// - Parameters:
    ///   - isClosed: whether there are no arguments beside those that the schema names, unless it says outright that
    ///     there are.
    ///   - budget: what this and other schemas draw on together.
    /// - Throws: then `builder` is as it was.
    package func compileArguments(
        _ schema: JSONValue, as notation: ArgumentNotation, isClosed: Bool, in builder: inout GrammarBuilder,
        budget: CompileBudget? = nil
    ) throws(SchemaError) -> CompiledSchema {
        try compile(schema, as: notation.values, in: &builder, budget, isForArguments: true) { emitter, root in
            try emitter.arguments(root, notation, isClosed: isClosed)
        }
    }

    private typealias Writer = (inout SchemaEmitter, SchemaState) throws -> GrammarBuilder.Node

    private func compile(
        _ schema: JSONValue, as notation: ValueNotation, in builder: inout GrammarBuilder, _ whole: CompileBudget?,
        isForArguments: Bool, _ write: Writer
    ) throws(SchemaError) -> CompiledSchema {
        var size = SchemaSize()
        try size.add(schema, limits: limits)
        // One for all attempts, as are the automata of its patterns.
        let budget = CompileBudget(limit: limits.work, within: whole)
        let patterns = PatternTable(within: budget)
        let omissions = SchemaOmissions(mode: mode)
        while true {
            let mark = builder.checkpoint
            do throws(SchemaError) {
                let nodes = try SchemaParser.read(
                    schema, limits: limits, omissions: omissions, budget: budget, patterns: patterns,
                    isForArguments: isForArguments)
                let node = try emit(nodes, as: notation, in: &builder, budget, patterns, write)
                return CompiledSchema(node: node, warnings: omissions.warnings, schemaCount: nodes.count)
            } catch {
                builder.removeAll(since: mark)
                // What was left out before and is at fault again cannot be left out.
                let count = omissions.warnings.count
                try omissions.omit(error)
                if omissions.warnings.count == count { throw error }
            }
        }
    }

    /// A grammar of the texts of `schema` and nothing else.
    package func grammar(
        of schema: JSONValue, limits: GrammarLimits = .standard, budget: CompileBudget? = nil
    ) throws(SchemaError) -> (grammar: Grammar, warnings: [String]) {
        var builder = GrammarBuilder(limits: limits)
        let compiled = try compile(schema, in: &builder, budget: budget)
        let root = builder.rule(named: "schema")
        builder.define(root, as: compiled.node)
        do {
            return (try builder.finish(root: root), compiled.warnings)
        } catch {
            throw Self.schemaError(error)
        }
    }

    /// What a grammar's error means to the author of a schema.
    package static func schemaError(_ error: GrammarError) -> SchemaError {
        error.kind == .deadEnd
            ? SchemaError(.unsatisfiable, pointer: "#", keyword: "", "no finite value fulfils it")
            : SchemaError(
                .limit, pointer: "#", keyword: "", error.clause)
    }

    private func emit(
        _ nodes: [SchemaNode], as notation: ValueNotation, in builder: inout GrammarBuilder,
        _ budget: CompileBudget, _ patterns: PatternTable, _ write: Writer
    ) throws(SchemaError) -> GrammarBuilder.Node {
        let expander = SchemaExpander(nodes: nodes, limits: limits, budget: budget, patterns: patterns)
        // Taken out, as a second owner would make it copied.
        var whole = GrammarBuilder(limits: builder.limits)
        swap(&whole, &builder)
        var emitter = SchemaEmitter(
            builder: consume whole, expander: expander, notation: notation, spacing: spacing)
        defer { builder = emitter.builder }
        do {
            let node = try write(&emitter, expander.state([SchemaLiteral(node: 0)]))
            try emitter.finishRules()
            if let failure = emitter.builder.failure { throw failure }
            return node
        } catch let error as SchemaError {
            throw error
        } catch let error as GrammarError {
            throw Self.schemaError(error)
        } catch let error as RegexError {
            throw SchemaError(.limit, pointer: "#", keyword: "", error.message)
        } catch {
            throw SchemaError(.limit, pointer: "#", keyword: "", String(describing: error))
        }
    }
}
