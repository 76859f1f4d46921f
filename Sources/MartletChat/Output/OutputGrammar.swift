package import MartletGrammar
import MartletJSON
package import MartletSchema
import OrderedCollections

/// What a model may write in an answer that may or must call tools.
///
/// Made from the same `ChatFormat` that answers are read by. Thinking in front is part of the grammar, free but for
/// its end. Calls name only tools that are offered, and their arguments fulfil the tools' schemas, members in the
/// schema's order. What is read of such a text is what the schema allows, whatever the form.
package struct OutputGrammar {
    package typealias Node = GrammarBuilder.Node

    let format: ChatFormat
    /// What was made for this form before.
    private let cache: GrammarCache
    /// What the prompt ends with, as far as it is the beginning of the answer.
    let opening: String
    /// Whether the prompt leaves the model thinking, and whether it may begin to.
    let isReasoningOpen: Bool
    let mayReason: Bool
    private let compiler: SchemaCompiler
    private let limits: GrammarLimits

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

    /// What the model must write.
    package enum Requirement {
        /// Calls.
        case calls
        /// Text, calls, or both.
        case anything
        /// A text of this grammar, or calls.
        case value(Grammar)
    }

    /// A tool that a call can be written of.
    struct Tool {
        var name: String
        var arguments: Node
    }

    /// - Returns: `nil` when the form gives nothing to hold the model to; what was left out of the tools' schemas, a
    ///   sentence each.
    /// - Throws: which tool cannot be honoured, and why.
    package func grammar(
        tools: [OfferedTools.Tool], requirement: Requirement, allowsSeveral: Bool
    ) throws(OutputGrammarError) -> GrammarCache.Entry? {
        try cache.grammar(of: key(tools, requirement, allowsSeveral)) {
            () throws(OutputGrammarError) -> GrammarCache.Entry? in
            try make(tools, requirement, allowsSeveral: allowsSeveral)
        }
    }

    /// All that the grammar is made of.
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
                        "with the tools in front of it there are more than \(compiler.limits.nodes) schemas")
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

    private func arguments(
        of tool: OfferedTools.Tool, _ calls: ToolCallFormat, _ builder: inout GrammarBuilder, _ budget: CompileBudget
    ) throws(SchemaError) -> CompiledSchema {
        var compiler = compiler
        if let isStrict = tool.isStrict { compiler.mode = isStrict ? .strict : .relaxed }
        return try compiler.compileArguments(
            tool.parameters, as: notation(of: calls, tool), isClosed: tool.parameters["properties"]?.objectValue != nil,
            in: &builder, budget: budget)
    }

    /// A text of `grammar` alone, with thinking in front where the model thinks.
    package func grammar(around grammar: Grammar) throws(GrammarError) -> Grammar {
        var builder = GrammarBuilder(limits: .unlimited)
        let value = try text(builder.reference(try builder.include(grammar)), &builder)
        let root = builder.rule(named: "root")
        builder.define(root, as: try afterReasoning(Output(value: value), &builder))
        return try builder.finish(root: root)
    }

    // MARK: Around calls

    /// Texts that begin calls and nothing else.
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

    func space(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        try builder.repetition(builder.byteSet(ByteSet(" \t\r\n".utf8)), 0, Self.maximumSpace)
    }

    /// Most white space in a row between the parts of a form.
    static let maximumSpace = 16

    /// A literal of the form; the amount of white space in it is the model's.
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
        // A space between words must be one; line ends around tags are written by some models and not by others.
        isSpace && text.contains(where: \.isNewline) ? try space(&builder) : builder.text(text)
    }

    /// An answer's ways.
    struct Output {
        /// Calls, or text that is free.
        var free: Node?
        /// What a schema describes.
        var value: Node?
        /// Calls alone, which may end thinking in place of its own end.
        var calls: Node?
    }

    /// An answer, with thinking in front where the model thinks.
    ///
    /// In front of a value stands no white space, but for the line ends that templates write behind thinking.
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

    /// White space in front of an answer. A head that names what follows begins at once: behind a space it would be
    /// taken for text, and name whatever it likes.
    private func lead(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        format.messageHead == nil ? try space(&builder) : builder.empty()
    }

    /// What a new message begins with behind thinking.
    private var nextMessage: String {
        format.messageHead.map { $0.call == "" ? "" : $0.starts[0] }
            ?? (format.ignored.first { $0.contains("assistant") } ?? "")
    }

    /// A value, in what an answer's text stands between, and what may end the message behind it.
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

    /// What some forms end a message with.
    func messageEnd(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        var ends: [Node] = []
        for end in format.ignored where end != nextMessage { ends.append(try literal(end, &builder)) }
        return builder.optional(builder.choice(ends))
    }

    /// Text between its delimiters that is empty, which some models write in front of calls.
    func emptyText(_ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        guard format.messageHead == nil, let content = format.content.first else { return builder.empty() }
        return builder.optional(
            builder.sequence([try literal(content.start, &builder), try literal(content.ends[0], &builder)]))
    }

    func section(
        of calls: ToolCallFormat, _ tools: [Tool], allowsSeveral: Bool, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Node {
        var one: [Node] = []
        for tool in tools { one.append(try call(of: calls, tool, &builder)) }
        let several = allowsSeveral && calls.allowsSeveral
        // Behind a comma models write as much white space as they like.
        let between =
            calls.separator.hasPrefix(",")
            ? builder.sequence([builder.text(","), try space(&builder)]) : try literal(calls.separator, &builder)
        let separator = builder.sequence([between, try headBetween(tools, &builder)])
        var wrapped = builder.choice(one)
        // Some models leave it out in front of what begins a call.
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

    /// What stands in front of calls that are messages of their own, behind what the prompt ends with.
    func heads(of tools: [Tool], _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        guard let head = format.messageHead else { return builder.empty() }
        if head.call != nil { return builder.optional(try literal(head.callFront, &builder)) }
        let names = builder.choice(tools.map { builder.text($0.name) })
        return builder.sequence([builder.text(" to="), names, try literal(head.end, &builder)])
    }

    /// What stands between two calls that are messages of their own.
    private func headBetween(_ tools: [Tool], _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        guard let head = format.messageHead else { return builder.empty() }
        guard head.call == nil else { return try literal(head.call == "" ? head.starts[0] : "", &builder) }
        let end = format.content.first?.ends.first ?? ""
        return builder.sequence([try literal(end + head.starts[0], &builder), try heads(of: tools, &builder)])
    }

    // MARK: One call

    private func call(
        of calls: ToolCallFormat, _ tool: Tool, _ builder: inout GrammarBuilder
    ) throws(GrammarError) -> Node {
        let opening = try literal(calls.callOpening, &builder)
        let closing = try literal(calls.callClosing, &builder)
        let space = try space(&builder)
        switch calls.shape {
        case .object(let name, let arguments, let id):
            let gap = builder.optional(builder.text(" "))
            let identifier = id.map { identifier in
                builder.sequence([
                    builder.text("\"\(identifier.key)\":"), gap, builder.text("\""), self.identifier(&builder),
                    builder.text("\""),
                ])
            }
            var parts = [builder.text("{"), space]
            if let id, id.isFirst, let identifier { parts += [identifier, builder.text(","), space] }
            parts += [
                builder.text("\"\(name)\":"), gap, builder.text(JSONValue.string(tool.name).text), builder.text(","),
                space, builder.text("\"\(arguments)\":"), gap, tool.arguments,
            ]
            if let id, !id.isFirst, let identifier { parts += [builder.text(","), space, identifier] }
            parts += [space, builder.text("}")]
            return builder.sequence([opening] + parts + [closing])
        case .nameAsKey:
            return builder.sequence([
                opening, builder.text("{"), space, builder.text(JSONValue.string(tool.name).text + ":"), space,
                tool.arguments, space, builder.text("}"), closing,
            ])
        case .headed(let head, _):
            return builder.sequence([
                opening, try self.head(head, tool, &builder), tool.arguments, closing,
            ])
        }
    }

    private func identifier(_ builder: inout GrammarBuilder) -> Node {
        let letters = builder.characters([0x30...0x39, 0x41...0x5A, 0x61...0x7A])
        return (try? builder.repetition(letters, 1, 9)) ?? letters
    }

    private func filling(_ filling: ToolCallHead.Filling, _ builder: inout GrammarBuilder) throws(GrammarError) -> Node
    {
        switch filling {
        case .none: return builder.empty()
        case .identifier(let front): return builder.sequence([try literal(front, &builder), identifier(&builder)])
        case .number(let front, _, let back):
            let digits = try builder.repetition(builder.characters([0x30...0x39]), 1, 5)
            return builder.sequence([try literal(front, &builder), digits, try literal(back, &builder)])
        }
    }

    private func head(_ head: ToolCallHead, _ tool: Tool, _ builder: inout GrammarBuilder) throws(GrammarError) -> Node
    {
        var name = tool.name
        if let message = format.messageHead {
            if let call = message.call, !call.isEmpty {
                var fillings: [Node] = []
                for filling in message.callFillings { fillings.append(try literal(filling, &builder)) }
                return builder.sequence([
                    builder.text(" \(call)\(name)"), builder.choice(fillings), try literal(message.end, &builder),
                ])
            }
            if message.call == "" { return builder.text(name + message.end) }
        }
        // The quote of an attribute belongs to the name.
        let isQuoted = head.nameStops == ["\""] && head.filling == .none
        if isQuoted { name += "\"" }
        return builder.sequence([
            try filling(head.front, &builder), try literal(head.nameStart, &builder), builder.text(name),
            try filling(head.filling, &builder),
            head.end.isEmpty ? try space(&builder) : try literal(head.end, &builder),
        ])
    }
}
