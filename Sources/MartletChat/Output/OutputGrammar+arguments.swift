import MartletGrammar
import MartletJSON
import MartletSchema

/// The notation of a call's arguments: which text stands for which JSON value.
///
/// MartletSchema compiles a schema to a grammar. An `ArgumentNotation` defines how the chat format writes values, so
/// that the same schema constrains `{"days": 3}`, `(days=3)` and `<parameter=days>3</parameter>`.
extension OutputGrammar {
    /// The notation in which `calls` writes the arguments of `tool`.
    func notation(of calls: ToolCallFormat, _ tool: OfferedTools.Tool) -> ArgumentNotation {
        guard case .headed(_, let shape) = calls.shape else { return .json }
        switch shape {
        case .object: return .json
        case .python: return .python
        case .gemma: return .gemma
        case .tagged(let tags): return .tagged(notation(of: tags, calls, tool))
        }
    }

    /// The notation of tagged arguments. It is derived from `TaggedArgumentPlan`, as the parser is, so both agree on
    /// line feeds.
    private func notation(
        of tags: TaggedArguments, _ calls: ToolCallFormat, _ tool: OfferedTools.Tool
    ) -> TagNotation {
        let plan = TaggedArgumentPlan(tags, of: calls)
        let tools = OfferedTools([tool])
        return TagNotation(
            ending: tags.nestedPrefix ?? String(decoding: plan.closing, as: UTF8.self), prefix: tags.nestedPrefix,
            opensWithLineFeed: plan.opensWithLineFeed, closesWithLineFeed: plan.closesWithLineFeed,
            allowsData: tags.allowsCDATA, writesPython: tags.writesPython,
            separator: { builder in try Self.spaced(tags.separator, &builder) },
            alternatives: { name, builder in
                switch name {
                case .named(let key):
                    // A key that contains a character which ends keys could not be parsed back. The argument has no
                    // alternative then: it is never written.
                    guard !key.contains(where: { "<>\"".contains($0) || $0.isWhitespace }) else { return [] }
                    return try Self.alternatives(builder.text(key), tags, tools.location(of: key, inTool: 0), &builder)
                case .other(let key):
                    return try Self.alternatives(key, tags, tools.locationOfOthers(inTool: 0), &builder)
                }
            })
    }

    /// The ways to write one argument: one for plain tags, one for each type word where the tag names the type.
    ///
    /// Example: `<parameter=city>` … `</parameter>` is one alternative. Kimi K3's `key="n" type="number"` is one of
    /// six.
    /// - Parameter location: the argument's location in the schema. It decides the type where the text does not: `5`
    ///   is a string if the schema says so.
    private static func alternatives(
        _ key: Node, _ tags: TaggedArguments, _ location: SchemaLocation, _ builder: inout GrammarBuilder
    ) throws -> [TagNotation.Alternative] {
        let front = builder.sequence([try spaced(tags.opening, &builder), key])
        let closing = String(decoding: ChatFormatPlan.trimmed(tags.closing), as: UTF8.self)
        var back = try spaced(closing, &builder)
        if let prefix = tags.nestedPrefix {
            back = builder.sequence([try spaced(prefix, &builder), builder.text("</"), key, builder.text(">")])
        }
        switch tags.middle {
        case .text(let text):
            let middle = try spaced(text.trimmingEnd, &builder)
            return [
                .init(
                    front: builder.sequence([front, middle]), back: back, types: .all, readAs: location.types,
                    location: location
                )
            ]
        case .typed(let start, let words, let end):
            var alternatives: [TagNotation.Alternative] = []
            for (word, own) in Self.words(words) {
                let middle = try spaced(start + word + end.trimmingEnd, &builder)
                alternatives.append(
                    .init(front: builder.sequence([front, middle]), back: back, types: own, readAs: own))
            }
            return alternatives
        }
    }

    /// The words that name a type, with the JSON types that each stands for.
    private static func words(_ words: TaggedArguments.Middle.TypeWords) -> [(String, JSONTypes)] {
        switch words {
        case .isString: [("true", .string), ("false", .all.subtracting(.string))]
        case .typeName:
            [
                ("string", .string), ("number", .number), ("boolean", .boolean), ("array", .array), ("object", .object),
                ("null", .null),
            ]
        }
    }

    /// A literal of the chat format in which each line feed stands for any amount of white space up to `maximumSpace`.
    ///
    /// The parser reads white space around tags leniently (`LiteralMatcher`), and models vary it. Tags become control
    /// tokens, because a tokenizer may have a token for them.
    private static func spaced(_ text: String, _ builder: inout GrammarBuilder) throws(GrammarError) -> Node {
        let space = try builder.repetition(builder.byteSet(ByteSet(" \t\r\n".utf8)), 0, maximumSpace)
        var nodes: [Node] = []
        for part in ChatFormat.parts(of: text) {
            if part.isTag {
                nodes.append(builder.controlToken(part.text))
                continue
            }
            for (index, piece) in part.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                if index > 0 { nodes.append(space) }
                nodes.append(builder.text(String(piece)))
            }
        }
        return builder.sequence(nodes)
    }
}

extension String {
    /// The text without the line feed at its end. That line feed belongs to the value's notation
    /// (`opensWithLineFeed`).
    fileprivate var trimmingEnd: String { hasSuffix("\n") ? String(dropLast()) : self }
}
