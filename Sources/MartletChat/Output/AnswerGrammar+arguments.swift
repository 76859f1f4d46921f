import MartletGrammar
import MartletJSON
import OrderedCollections

/// The arguments of calls that are not written as JSON.
extension AnswerGrammar {
    /// An argument of a tool, in the order of its schema.
    private struct Argument {
        var key: String
        /// With the definitions that it may refer to.
        var schema: JSONValue
        var types: JSONTypes
        var isRequired: Bool
    }

    func arguments(
        _ form: CallSyntax.ArgumentForm, _ tool: OfferedTools.Tool, _ builder: inout GrammarBuilder
    ) throws -> Node {
        switch form {
        case .object: return try schemaNode(tool.parameters, &builder)
        case .python:
            let pairs = try list(of: tool, separator: ", ", &builder) { argument, builder in
                builder.sequence([
                    builder.text(argument.key + "="), try Self.literal(of: argument.types, .python, &builder),
                ])
            }
            return builder.sequence([builder.text("("), pairs, builder.text(")")])
        case .gemma:
            let pairs = try list(of: tool, separator: ",", sorted: true, &builder) { argument, builder in
                builder.sequence([
                    builder.text(argument.key + ":"), try Self.literal(of: argument.types, .gemma, &builder),
                ])
            }
            return builder.sequence([builder.text("{"), pairs, builder.text("}")])
        case .tagged(let tags):
            return try list(of: tool, separator: tags.separator, &builder) { argument, builder in
                try tagged(argument, tags, &builder)
            }
        }
    }

    private static func members(of tool: OfferedTools.Tool) -> [Argument] {
        let root = tool.parameters
        let required = Set((root["required"]?.arrayValue ?? []).compactMap(\.stringValue))
        var definitions: JSONObject = [:]
        for keyword in ["$defs", "definitions"] { definitions[keyword] = root[keyword] }
        return (root["properties"]?.objectValue ?? [:]).map { key, schema in
            var whole = schema
            if case .object(let members) = schema, !definitions.isEmpty {
                whole = .object(definitions.merging(members) { $1 })
            }
            return Argument(
                key: key, schema: whole, types: JSONTypes(schema: schema, root: root),
                isRequired: required.contains(key)
            )
        }
    }

    /// Arguments in order, those that may be left out left out or not.
    private func list(
        of tool: OfferedTools.Tool, separator: String, sorted: Bool = false, _ builder: inout GrammarBuilder,
        _ write: (Argument, inout GrammarBuilder) throws -> Node
    ) throws -> Node {
        var arguments = Self.members(of: tool)
        if sorted { arguments.sort { $0.key < $1.key } }
        let between = try literalSeparator(separator, &builder)
        // From the end: what may follow where an argument has been written, and where none has.
        var behind = builder.empty()
        var atStart = builder.empty()
        for argument in arguments.reversed() {
            let node = try write(argument, &builder)
            let first = builder.sequence([node, behind])
            let next = builder.sequence([between, node, behind])
            if argument.isRequired {
                atStart = first
                behind = next
            } else {
                atStart = builder.choice([first, atStart])
                behind = builder.choice([next, behind])
            }
        }
        return atStart
    }

    private func literalSeparator(_ text: String, _ builder: inout GrammarBuilder) throws -> Node {
        text.contains(where: \.isNewline)
            ? try builder.repetition(builder.byteSet(ByteSet(" \t\r\n".utf8)), 0, Self.maximumSpace)
            : builder.text(text)
    }

    // MARK: Tags

    private func tagged(
        _ argument: Argument, _ tags: TaggedArguments, _ builder: inout GrammarBuilder
    ) throws -> Node {
        let space = try builder.repetition(builder.byteSet(ByteSet(" \t\r\n".utf8)), 0, Self.maximumSpace)
        func lenient(_ text: String, _ builder: inout GrammarBuilder) -> Node {
            let parts = OutputSyntax.parts(of: text).map { part -> Node in
                if part.isTag { return builder.marker(part.text) }
                let core = part.text.split(separator: "\n", omittingEmptySubsequences: false)
                var nodes: [Node] = []
                for (index, piece) in core.enumerated() {
                    if index > 0 { nodes.append(space) }
                    nodes.append(builder.text(String(piece)))
                }
                return builder.sequence(nodes)
            }
            return builder.sequence(parts)
        }
        let front = builder.sequence([lenient(tags.opening, &builder), builder.text(argument.key)])
        var closing = tags.closing
        if let prefix = tags.nestedPrefix { closing = "\(prefix)</\(argument.key)>" }
        let core = String(decoding: SyntaxPlan.trimmed(closing), as: UTF8.self)
        func value(asText isText: Bool, _ builder: inout GrammarBuilder) throws -> Node {
            let node: Node
            if isText || tags.nestedPrefix != nil && argument.types.isDisjoint(with: [.number, .boolean]) {
                node = try textValue(argument, until: core, &builder)
            } else {
                var values = [try schemaNode(argument.schema, &builder)]
                if tags.writesPython, argument.types.contains(.boolean) {
                    values += [builder.text("True"), builder.text("False")]
                }
                node = builder.sequence([space, builder.choice(values), space])
            }
            return builder.sequence([node, lenient(core, &builder)])
        }
        switch tags.middle {
        case .text(let text):
            return builder.sequence([
                front, lenient(text, &builder), try value(asText: argument.types.contains(.string), &builder),
            ])
        case .typed(let start, let words, let end):
            var choices: [Node] = []
            for (word, type) in Self.words(words) where !argument.types.isDisjoint(with: type) {
                choices.append(
                    builder.sequence([
                        front, lenient(start + word + end, &builder), try value(asText: type == .string, &builder),
                    ]))
            }
            return builder.choice(choices)
        }
    }

    private static func words(_ words: TaggedArguments.Middle.TypeWords) -> [(String, JSONTypes)] {
        switch words {
        case .isString: [("true", .string), ("false", .any.subtracting(.string))]
        case .typeName:
            [
                ("string", .string), ("number", .number), ("boolean", .boolean), ("array", .array), ("object", .object),
                ("null", .null),
            ]
        }
    }

    /// A string as it is; one of a few where the schema says so.
    private func textValue(_ argument: Argument, until end: String, _ builder: inout GrammarBuilder) throws -> Node {
        let space = try builder.repetition(builder.byteSet(ByteSet("\n".utf8)), 0, 1)
        if let values = argument.schema["enum"]?.arrayValue, !values.isEmpty,
            values.allSatisfy({ $0.stringValue != nil })
        {
            return builder.sequence([space, builder.choice(values.map { builder.text($0.stringValue ?? "") }), space])
        }
        return builder.anything(until: [end], consumingDelimiter: false)
    }

    // MARK: Python's and Gemma's literals

    private static func literal(
        of types: JSONTypes, _ dialect: ArgumentTranscriber.Dialect, _ builder: inout GrammarBuilder
    ) throws -> Node {
        let rule = builder.rule(named: "value")
        let any = builder.reference(rule)
        let string = try string(dialect, &builder)
        let digits = try builder.repetition(builder.characters([0x30...0x39]), 1, 40)
        let integer = builder.sequence([
            builder.optional(builder.text("-")),
            builder.choice([
                builder.text("0"),
                builder.sequence([
                    builder.characters([0x31...0x39]), try builder.repetition(builder.characters([0x30...0x39]), 0, 40),
                ]),
            ]),
        ])
        let number = builder.sequence([
            integer, builder.optional(builder.sequence([builder.text("."), digits])),
        ])
        let words = dialect == .python ? ["True", "False", "None"] : ["true", "false", "null"]
        let gap = builder.optional(builder.text(" "))
        let comma = builder.sequence([builder.text(","), gap])
        func listed(_ item: Node, _ open: String, _ close: String, _ builder: inout GrammarBuilder) -> Node {
            let more = builder.star(builder.sequence([comma, item]))
            return builder.sequence([
                builder.text(open), builder.optional(builder.sequence([item, more])), builder.text(close),
            ])
        }
        let key = dialect == .python ? string : try bareKey(&builder)
        let pair = builder.sequence([key, builder.text(":"), gap, any])
        let alternatives: [(JSONTypes, Node)] = [
            (.string, string), (.integer, integer), (JSONTypes(rawValue: 4), number),
            (.boolean, builder.choice([builder.text(words[0]), builder.text(words[1])])),
            (.null, builder.text(words[2])), (.array, listed(any, "[", "]", &builder)),
            (.object, listed(pair, "{", "}", &builder)),
        ]
        builder.define(rule, as: builder.choice(alternatives.map(\.1)))
        return builder.choice(alternatives.filter { !types.isDisjoint(with: $0.0) }.map(\.1))
    }

    private static func string(
        _ dialect: ArgumentTranscriber.Dialect, _ builder: inout GrammarBuilder
    ) throws -> Node {
        if dialect == .gemma {
            return builder.sequence([
                builder.marker("<|\"|>"), builder.anything(until: ["<|\"|>"], consumingDelimiter: false),
                builder.marker("<|\"|>"),
            ])
        }
        func quoted(_ quote: UInt32, _ builder: inout GrammarBuilder) -> Node {
            let lower = min(quote, 0x5C)
            let upper = max(quote, 0x5C)
            let plain = builder.characters([0x20...(lower - 1), (lower + 1)...(upper - 1), (upper + 1)...0x10FFFF])
            let escape = builder.sequence([
                builder.text("\\"), builder.byteSet(ByteSet("\\'\"nrt".utf8)),
            ])
            let mark = builder.characters([quote...quote])
            return builder.sequence([mark, builder.star(builder.choice([plain, escape])), mark])
        }
        return builder.choice([quoted(0x22, &builder), quoted(0x27, &builder)])
    }

    private static func bareKey(_ builder: inout GrammarBuilder) throws -> Node {
        try builder.repetition(builder.characters([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]), 1, 64)
    }
}
