import MartletGrammar
import MartletJSON

/// The rule for one call: its opening, its name, the arguments that its schema describes, its closing.
///
/// White space inside of a call is limited to what models write, and every literal is one that the parser accepts.
extension OutputGrammar {
    /// One call of `tool`, with its opening and closing.
    func call(
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

    /// An id of 1 to 9 letters and digits, as Mistral's models write them.
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
        // The quote that ends an attribute, as in `name="NAME">`, follows the name at once.
        let isQuoted = head.nameStops == ["\""] && head.filling == .none
        if isQuoted { name += "\"" }
        return builder.sequence([
            try filling(head.front, &builder), try literal(head.nameStart, &builder), builder.text(name),
            try filling(head.filling, &builder),
            head.end.isEmpty ? try space(&builder) : try literal(head.end, &builder),
        ])
    }
}
