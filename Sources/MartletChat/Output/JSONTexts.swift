package import MartletGrammar
package import MartletJSON

/// The JSON texts of the kinds that a schema allows, as an expression of a grammar.
package enum JSONTexts {
    /// Values of the kinds that `schema` names; what it says of their parts is not looked at.
    package static func node(
        _ schema: JSONValue, _ builder: inout GrammarBuilder
    ) throws -> GrammarBuilder.Node {
        let rule = builder.rule(named: "json")
        let any = builder.reference(rule)
        let space = try builder.repetition(builder.byteSet(ByteSet(" \n".utf8)), 0, 20)
        let plain = builder.characters([0x20...0x21, 0x23...0x5B, 0x5D...0x10FFFF])
        let digit = builder.characters([0x30...0x39])
        let hexadecimal = builder.characters([0x30...0x39, 0x41...0x46, 0x61...0x66])
        let code = builder.sequence([builder.text("u"), try builder.repetition(hexadecimal, 4, 4)])
        let escape = builder.sequence([
            builder.text("\\"), builder.choice([builder.byteSet(ByteSet("\\\"/bfnrt".utf8)), code]),
        ])
        let string = builder.sequence([
            builder.text("\""), builder.star(builder.choice([plain, escape])), builder.text("\""),
        ])
        let digits = try builder.repetition(digit, 0, 30)
        let integer = builder.sequence([
            builder.optional(builder.text("-")),
            builder.choice([
                builder.text("0"), builder.sequence([builder.characters([0x31...0x39]), digits]),
            ]),
        ])
        let number = builder.sequence([
            integer, builder.optional(builder.sequence([builder.text("."), digit, digits])),
        ])
        let comma = builder.sequence([builder.text(","), space])
        func listed(_ item: GrammarBuilder.Node, _ open: String, _ close: String) -> GrammarBuilder.Node {
            let more = builder.star(builder.sequence([comma, item]))
            let items = builder.optional(builder.sequence([item, more]))
            return builder.sequence([builder.text(open), space, items, space, builder.text(close)])
        }
        let pair = builder.sequence([string, builder.text(":"), space, any])
        let alternatives: [(JSONTypes, GrammarBuilder.Node)] = [
            (.string, string), (.integer, integer), (JSONTypes.number.subtracting(.integer), number),
            (.boolean, builder.choice([builder.text("true"), builder.text("false")])), (.null, builder.text("null")),
            (.array, listed(any, "[", "]")), (.object, listed(pair, "{", "}")),
        ]
        builder.define(rule, as: builder.choice(alternatives.map(\.1)))
        let types = JSONTypes(schema: schema, root: schema)
        return builder.choice(alternatives.filter { !types.isDisjoint(with: $0.0) }.map(\.1))
    }
}
