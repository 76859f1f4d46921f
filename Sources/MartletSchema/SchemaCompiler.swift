package import MartletGrammar
package import MartletJSON

/// The treatment of a keyword that cannot be enforced or has a malformed value.
package enum SchemaMode: String, Sendable, Equatable, CaseIterable {
    /// The schema is refused with an error that names pointer and keyword.
    case strict
    /// The keyword is dropped, and a warning names it. All other keywords are enforced.
    case relaxed
}

/// A schema as a part of a grammar that is being built.
package struct CompiledSchema: Sendable {
    /// The expression that matches the texts of the schema's values.
    package var node: GrammarBuilder.Node
    /// A sentence for each keyword that was dropped; empty in strict mode.
    package var warnings: [String]
    /// The number of schemas that were read; `--schema-max-nodes` limits it.
    package var schemaCount: Int
}

/// Compiles JSON Schemas (draft 2020-12, and the spellings of drafts 4 to 7) to grammars.
///
/// The grammar is sound: each of its texts is a value that fulfils the schema, except for keywords that a warning
/// names. It is not complete: it fixes the order of members and the spelling of escapes. `design.md` lists the
/// restrictions.
///
/// It is a value without state. Caches that all compilations share are behind locks.
package struct SchemaCompiler: Sendable, Equatable {
    /// The treatment of keywords that cannot be enforced.
    package var mode: SchemaMode
    /// The white space that the texts may have.
    package var spacing: JSONSpacing
    /// The limits of one schema.
    package var limits: SchemaLimits

    /// Creates a compiler; the defaults are those of `martlet schema check`.
    package init(mode: SchemaMode = .strict, spacing: JSONSpacing = .free, limits: SchemaLimits = .standard) {
        self.mode = mode
        self.spacing = spacing
        self.limits = limits
    }

    /// Adds the texts of the values that fulfil `schema` to `builder`.
    ///
    /// No text of another value is added. Of the texts of a fulfilling value, those are added whose members come in the
    /// order of the schema.
    ///
    /// - Parameter budget: the budget of several schemas; this schema uses steps of it.
    /// - Throws: an error of kind `invalid` or `unsupported` (in relaxed mode only where no keyword can be dropped),
    ///   `limit` or `unsatisfiable`. `builder` is then as it was before.
    package func compile(
        _ schema: JSONValue, in builder: inout GrammarBuilder, budget: CompileBudget? = nil
    ) throws(SchemaError) -> CompiledSchema {
        try compile(schema, as: .json, in: &builder, budget, isForArguments: false) { emitter, root in
            try emitter.value(root)
        }
    }

    /// Adds the objects that fulfil `schema` to `builder`, written as the arguments of a tool call.
    ///
    /// Example of a closed call: with `{"properties": {"city": …}}` it has no other argument than `city`, although JSON
    /// Schema admits any.
    ///
    /// - Parameters:
    ///   - isClosed: whether only arguments in `properties` are admitted, unless the schema admits others
    ///     explicitly.
    ///   - budget: the budget of all tools of the request; this schema uses steps of it.
    /// - Throws: as `compile`. `builder` is then as it was before.
    package func compileArguments(
        _ schema: JSONValue, as notation: ArgumentNotation, isClosed: Bool, in builder: inout GrammarBuilder,
        budget: CompileBudget? = nil
    ) throws(SchemaError) -> CompiledSchema {
        try compile(schema, as: notation.values, in: &builder, budget, isForArguments: true) { emitter, root in
            try emitter.arguments(root, notation, isClosed: isClosed)
        }
    }

    /// Adds a state to the builder as a whole value or as arguments.
    private typealias Writer = (inout SchemaEmitter, SchemaState) throws -> GrammarBuilder.Node

    /// Reads, expands and emits the schema. In relaxed mode it starts again after each keyword that expansion
    /// drops.
    ///
    /// Each attempt drops at least one more keyword, `SchemaOmissions` limits their number, and all attempts use
    /// one budget.
    private func compile(
        _ schema: JSONValue, as notation: ValueNotation, in builder: inout GrammarBuilder, _ whole: CompileBudget?,
        isForArguments: Bool, _ write: Writer
    ) throws(SchemaError) -> CompiledSchema {
        var size = SchemaSize()
        try size.add(schema, limits: limits)
        // All attempts share the budget and the automata of patterns.
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
                // An error that drops no further keyword would repeat forever.
                let count = omissions.warnings.count
                try omissions.omit(error)
                if omissions.warnings.count == count { throw error }
            }
        }
    }

    /// Compiles `schema` alone to a grammar.
    ///
    /// - Throws: as `compile`; also an error of kind `limit` where the grammar exceeds `limits`.
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

    /// Converts an error of the grammar builder to an error about a schema.
    ///
    /// A dead end, a rule without a finite text, means that no finite value fulfils the schema. Every other error
    /// is a limit.
    package static func schemaError(_ error: GrammarError) -> SchemaError {
        error.kind == .deadEnd
            ? SchemaError(.unsatisfiable, pointer: "#", keyword: "", "no finite value fulfils it")
            : SchemaError(
                .limit, pointer: "#", keyword: "", error.clause)
    }

    /// Expands and emits the schemas into `builder`.
    private func emit(
        _ nodes: [SchemaNode], as notation: ValueNotation, in builder: inout GrammarBuilder,
        _ budget: CompileBudget, _ patterns: PatternTable, _ write: Writer
    ) throws(SchemaError) -> GrammarBuilder.Node {
        let expander = SchemaExpander(nodes: nodes, limits: limits, budget: budget, patterns: patterns)
        // The builder moves into the emitter. A second owner would make each change copy its tables.
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
