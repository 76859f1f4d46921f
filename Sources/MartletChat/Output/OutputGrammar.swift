package import MartletGrammar
import MartletJSON
package import MartletSchema
import OrderedCollections

/// Builds the grammar of outputs that may or must contain tool calls.
///
/// It is made from the same `ChatFormat` as the output parser, so that each output which the grammar allows parses
/// back to calls with valid arguments. The output may begin with reasoning, which is free up to its end delimiter.
/// Calls name offered tools only. Arguments are valid against the schema of their tool, with members in the order of
/// the schema.
///
/// A grammar has this shape, with each part optional as the request and the format demand:
///
///     root    = reasoning? ( free | value | calls )
///     free    = text* section?            text without the format's triggers
///     section = opening call (separator call)* closing
///     call    = callOpening name-and-arguments callClosing
///
/// A value type; thread: any. `grammar(tools:requirement:allowsSeveral:)` costs from under 1 ms to some 100 ms,
/// depending on the schemas, so the results are cached in the prepared chat format.
package struct OutputGrammar {
    /// A node of the grammar under construction.
    package typealias Node = GrammarBuilder.Node

    let format: ChatFormat
    /// Grammars made before for this chat format; shared by all requests of the model.
    private let cache: GrammarCache
    /// The end of the prompt that belongs to the output: `<think>\n` where the template opens reasoning, then the
    /// continuation that the client sent.
    let opening: String
    /// Whether the prompt ends within reasoning.
    let isReasoningOpen: Bool
    /// Whether the output may begin with reasoning: the prompt has not closed it, and there is no continuation.
    let mayReason: Bool
    private let compiler: SchemaCompiler
    private let limits: GrammarLimits

    /// - Parameters:
    ///   - prompt: the rendered prompt. Its end decides whether the output begins within reasoning.
    ///   - compiler: limits and mode of the schemas.
    ///   - limits: limits of the whole grammar.
    package init(
        _ format: PreparedChatFormat, prompt: RenderedPrompt, compiler: SchemaCompiler = SchemaCompiler(),
        limits: GrammarLimits = .standard
    ) {
        self.format = format.format
        cache = format.grammars
        opening = prompt.opening + prompt.continuation
        isReasoningOpen = OutputParser(format, after: prompt.opening, continuing: prompt.continuation).isInReasoning
        mayReason = prompt.reasoning != .closed && prompt.continuation.isEmpty
        self.compiler = compiler
        self.limits = limits
    }

    /// The required content of an output.
    package enum Requirement {
        /// At least one call (`tool_choice: required`, or a named tool).
        case calls
        /// Text, calls, or both (`tool_choice: auto`).
        case anything
        /// A text of this grammar, or calls (`response_format` together with tools).
        case value(Grammar)
    }

    /// A tool with the compiled rule of its arguments.
    struct Tool {
        var name: String
        var arguments: Node
    }

    /// The grammar for these tools, from the cache if the same grammar was made before.
    /// - Returns: nil if the chat format has no calls, or none that can be distinguished from text. Otherwise the
    ///   grammar, and a sentence for each part of a schema that it does not enforce.
    /// - Throws: `tool` with the name of the first tool whose schema cannot be enforced, `grammar` if all together
    ///   exceed a limit.
    package func grammar(
        tools: [OfferedTools.Tool], requirement: Requirement, allowsSeveral: Bool
    ) throws(OutputGrammarError) -> GrammarCache.Entry? {
        try cache.grammar(of: key(tools, requirement, allowsSeveral)) {
            () throws(OutputGrammarError) -> GrammarCache.Entry? in
            try make(tools, requirement, allowsSeveral: allowsSeveral)
        }
    }

    /// The cache key: every input of `make`, as bytes. Two equal keys make the same grammar.
    private func key(_ tools: [OfferedTools.Tool], _ requirement: Requirement, _ allowsSeveral: Bool) -> [UInt8] {
        let described = tools.map { tool -> JSONValue in
            [.string(tool.name), tool.parameters, tool.isStrict.map { JSONValue.bool($0) } ?? .null]
        }
        let frame: JSONValue = [
            .string(opening), .bool(isReasoningOpen), .bool(mayReason), .bool(allowsSeveral), .array(described),
            .string("\(compiler) \(limits)"),
        ]
        switch requirement {
        case .calls: return frame.bytes + Array("calls".utf8)
        case .anything: return frame.bytes + Array("anything".utf8)
        case .value(let grammar): return frame.bytes + Array("value".utf8) + grammar.encoded()
        }
    }

    /// Compiles the schema of each tool, then the rule of the output around them.
    ///
    /// One `CompileBudget` and one limit of schemas apply to all tools together, so that many tools cost no more than
    /// one large one.
    private func make(
        _ tools: [OfferedTools.Tool], _ requirement: Requirement, allowsSeveral: Bool
    ) throws(OutputGrammarError) -> GrammarCache.Entry? {
        guard let calls = format.calls else { return nil }
        var builder = GrammarBuilder(limits: limits)
        let budget = CompileBudget(limit: compiler.limits.workOfAll, for: "all schemas together take")
        var warnings: [String] = []
        var written: [Tool] = []
        var schemaCount = 0
        for tool in tools {
            do throws(SchemaError) {
                guard schemaCount < compiler.limits.nodes else {
                    throw SchemaError(
                        .limit, pointer: "#", keyword: "",
                        "this tool and the tools before it have more than \(compiler.limits.nodes) schemas")
                }
                let arguments = try arguments(of: tool, calls, &builder, budget)
                schemaCount += arguments.schemaCount
                warnings += arguments.warnings.map { "Tool \"\(tool.name)\": \($0)" }
                written.append(Tool(name: tool.name, arguments: arguments.node))
            } catch {
                throw .tool(name: tool.name, error)
            }
        }
        for (tool, isPossible) in zip(written, builder.areProductive(written.map(\.arguments))) where !isPossible {
            throw .tool(name: tool.name, SchemaCompiler.schemaError(GrammarError(.deadEnd, "")))
        }
        do {
            guard let output = try output(of: calls, written, requirement, allowsSeveral: allowsSeveral, &builder)
            else {
                return nil
            }
            let root = builder.rule(named: "root")
            builder.define(root, as: try afterReasoning(output, &builder))
            return GrammarCache.Entry(grammar: try builder.finish(root: root), warnings: warnings)
        } catch {
            throw .grammar(error)
        }
    }

    /// Compiles the schema of one tool in the notation of `calls`. `strict` of the tool overrides the compiler's mode.
    private func arguments(
        of tool: OfferedTools.Tool, _ calls: ToolCallFormat, _ builder: inout GrammarBuilder, _ budget: CompileBudget
    ) throws(SchemaError) -> CompiledSchema {
        var compiler = compiler
        if let isStrict = tool.isStrict { compiler.mode = isStrict ? .strict : .relaxed }
        return try compiler.compileArguments(
            tool.parameters, as: notation(of: calls, tool), isClosed: tool.parameters["properties"]?.objectValue != nil,
            in: &builder, budget: budget)
    }

    /// A grammar of texts of `grammar`, with reasoning in front if the model may reason.
    ///
    /// For `response_format` and GBNF grammars without tools: the constraint holds behind the reasoning only.
    package func grammar(around grammar: Grammar) throws(GrammarError) -> Grammar {
        var builder = GrammarBuilder(limits: .unlimited)
        let value = try text(builder.reference(try builder.include(grammar)), &builder)
        let root = builder.rule(named: "root")
        builder.define(root, as: try afterReasoning(Output(value: value), &builder))
        return try builder.finish(root: root)
    }

    // MARK: Around calls

    /// Texts that begin calls and never occur in ordinary text. Free text ends before the first of them.
    var triggers: [String] {
        guard let calls = format.calls, !calls.startsBare else { return [] }
        if let head = format.messageHead {
            if let call = head.call { return call.isEmpty ? [] : [" " + call] }
        }
        let starts = format.callStarts
        if !starts.isEmpty { return starts }
        return ([calls.opening.isEmpty ? calls.callOpening : calls.opening])
            .map { String(decoding: ChatFormatPlan.trimmed($0), as: UTF8.self) }.filter { !$0.isEmpty }
    }

    /// Any white space, up to `maximumSpace` bytes.
    func space(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        try builder.repetition(builder.byteSet(ByteSet(" \t\r\n".utf8)), 0, Self.maximumSpace)
    }

    /// Most bytes of white space in a row between the parts of a format. A bound, because a model may otherwise write
    /// line feeds for ever.
    static let maximumSpace = 16

    /// A literal of the format, with control tokens for its tags. The model chooses the white space around tags.
    func literal(_ text: String, _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        var nodes: [Node] = []
        for part in ChatFormat.parts(of: text) {
            if part.isTag {
                nodes.append(builder.controlToken(part.text))
                continue
            }
            var word = ""
            var isSpace = false
            for character in part.text {
                let isNext = character.isWhitespace
                if isNext != isSpace, !word.isEmpty {
                    nodes.append(try piece(word, isSpace: isSpace, &builder))
                    word = ""
                }
                isSpace = isNext
                word.append(character)
            }
            if !word.isEmpty { nodes.append(try piece(word, isSpace: isSpace, &builder)) }
        }
        return builder.sequence(nodes)
    }

    private func piece(_ text: String, isSpace: Bool, _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        // A space between two words is required as it is. Line ends around tags are written by some models only.
        isSpace && text.contains(where: \.isNewline) ? try space(&builder) : builder.text(text)
    }

    /// The alternatives of an output behind its reasoning. nil = the request does not allow that alternative.
    struct Output {
        /// Calls, or free text with optional calls behind it.
        var free: Node?
        /// A value that a schema or a grammar describes.
        var value: Node?
        /// Calls only. They may follow reasoning without its end delimiter.
        var calls: Node?
    }

    /// An output, with reasoning in front if the model may reason.
    ///
    /// No white space may precede a value, except the line ends that templates write behind reasoning. The first byte
    /// of a value must be decided by its own grammar.
    private func afterReasoning(_ output: Output, _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        let free = builder.sequence([try lead(&builder), output.free ?? builder.never()])
        let value = output.value ?? builder.never()
        let direct = builder.choice([free, value])
        guard let reasoning = format.reasoning, isReasoningOpen || mayReason else { return direct }
        let end = String(decoding: ChatFormatPlan.trimmed(reasoning.ends[0]), as: UTF8.self)
        let lineEnds = try builder.repetition(builder.text("\n"), 0, 2)
        let ended = builder.sequence([
            try literal(end, &builder), try literal(nextMessage, &builder),
            builder.choice([free, builder.sequence([lineEnds, value])]),
        ])
        let starts = output.calls == nil ? [] : format.callStarts
        let calls = starts.isEmpty ? builder.never() : output.calls ?? builder.never()
        let rest = builder.sequence([
            builder.freeText(until: [end] + starts, excludingDelimiters: starts.flatMap(ChatFormat.tags)),
            builder.choice([ended, calls]),
        ])
        if isReasoningOpen { return rest }
        let start = ChatFormat.unwrittenPart(of: reasoning.start, in: opening)
        let block = builder.sequence([try space(&builder), try literal(start, &builder), rest])
        return builder.choice([block, direct])
    }

    /// White space in front of an output. Empty for formats with message heads: behind a space a head would parse as
    /// text, and could then name any tool.
    private func lead(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        format.messageHead == nil ? try space(&builder) : builder.empty()
    }

    /// The delimiter that begins a new message behind reasoning; empty in most formats. Harmony writes
    /// `<|start|>assistant` there.
    private var nextMessage: String {
        format.messageHead.map { $0.call == "" ? "" : $0.starts[0] }
            ?? (format.ignored.first { $0.contains("assistant") } ?? "")
    }

    /// A value between the delimiters of content, and then an optional end of the message. Both are optional, as
    /// models omit them.
    func text(_ node: Node, _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        var enclosures = format.content.map { (start: $0.start, end: $0.ends[0]) }
        if enclosures.isEmpty { enclosures = [(format.contentStart, "")] }
        var alternatives: [Node] = []
        for enclosure in enclosures {
            var start = ChatFormat.unwrittenPart(of: enclosure.start, in: opening)
            if let head = format.messageHead, format.reasoning != nil, start.hasPrefix(head.starts[0]) {
                start = String(start.dropFirst(head.starts[0].count))
            }
            alternatives.append(
                builder.sequence([
                    builder.optional(try literal(start, &builder)), node,
                    builder.optional(try literal(enclosure.end, &builder)),
                ]))
        }
        return builder.sequence([builder.choice(alternatives), try messageEnd(&builder)])
    }

    /// Optional: a delimiter that ends a message and has no other meaning, such as Harmony's `<|call|>`.
    func messageEnd(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        var ends: [Node] = []
        for end in format.ignored where end != nextMessage { ends.append(try literal(end, &builder)) }
        return builder.optional(builder.choice(ends))
    }

    /// Optional: an empty text between content delimiters, such as `<|content|><|end|>`. Some models write it in front
    /// of calls.
    func emptyText(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        guard format.messageHead == nil, let content = format.content.first else { return builder.empty() }
        return builder.optional(
            builder.sequence([try literal(content.start, &builder), try literal(content.ends[0], &builder)]))
    }

    /// A section of calls: one call, or several with separators.
    func section(
        of calls: ToolCallFormat, _ tools: [Tool], allowsSeveral: Bool, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Node {
        var one: [Node] = []
        for tool in tools { one.append(try call(of: calls, tool, &builder)) }
        let several = allowsSeveral && calls.allowsSeveral
        // Behind the comma of a list the amount of white space is the model's choice.
        let between =
            calls.separator.hasPrefix(",")
            ? builder.sequence([builder.text(","), try space(&builder)]) : try literal(calls.separator, &builder)
        let separator = builder.sequence([between, try headBetween(tools, &builder)])
        var wrapped = builder.choice(one)
        // Formats with two call starts (section and call) are read without the section's opening too. Some models omit
        // it.
        var opening = try literal(calls.opening, &builder)
        if format.callStarts.count > 1 { opening = builder.optional(opening) }
        if !calls.sharesSection {
            wrapped = builder.sequence([opening, wrapped, try literal(calls.closing, &builder)])
        }
        let more = several ? builder.star(builder.sequence([separator, wrapped])) : builder.empty()
        let list = builder.sequence([wrapped, more])
        guard calls.sharesSection else { return list }
        let closing = try literal(calls.closing, &builder)
        guard calls.isList else { return builder.sequence([opening, list, closing]) }
        let space = try space(&builder)
        return builder.sequence([opening, space, builder.text("["), space, list, space, builder.text("]"), closing])
    }

    /// The heads of calls that are messages of their own, without the part that the prompt contains. Example: `
    /// to=get_weather<|message|>`.
    func heads(of tools: [Tool], _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        guard let head = format.messageHead else { return builder.empty() }
        if head.call != nil { return builder.optional(try literal(head.callFront, &builder)) }
        let names = builder.choice(tools.map { builder.text($0.name) })
        return builder.sequence([builder.text(" to="), names, try literal(head.end, &builder)])
    }

    /// The text between two calls that are messages of their own: the end of the first message, and the head of the
    /// next one.
    private func headBetween(_ tools: [Tool], _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        guard let head = format.messageHead else { return builder.empty() }
        guard head.call == nil else { return try literal(head.call == "" ? head.starts[0] : "", &builder) }
        let end = format.content.first?.ends.first ?? ""
        return builder.sequence([try literal(end + head.starts[0], &builder), try heads(of: tools, &builder)])
    }
}
