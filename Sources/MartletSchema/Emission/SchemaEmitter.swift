import MartletGrammar
import MartletJSON
import OrderedCollections

/// Writes states as rules of a grammar.
///
/// Each state that holds objects or arrays is a rule, so that a schema that refers to itself is a grammar that does.
struct SchemaEmitter: ~Copyable {
    typealias Node = GrammarBuilder.Node

    var builder: GrammarBuilder
    let expander: SchemaExpander
    let spacing: SpacingNodes
    private var rules: [SchemaState: GrammarBuilder.Rule] = [:]
    private var simple: [SchemaState: Node] = [:]
    private var pending: [SchemaState] = []
    private var anyValue: GrammarBuilder.Rule?
    private var stringNode: Node?
    private var names: [CharacterAutomaton: Node] = [:]

    init(
        builder: consuming GrammarBuilder, expander: SchemaExpander, spacing: JSONSpacing
    ) throws(GrammarError) {
        self.builder = builder
        self.expander = expander
        self.spacing = try SpacingNodes(spacing, &self.builder)
    }

    /// A node for the values of `state`; the rules it needs are written by `finishRules`.
    mutating func value(_ state: SchemaState) throws -> Node {
        if let node = simple[state] { return node }
        if let rule = rules[state] { return builder.reference(rule) }
        if expander.isNever(state) { return builder.never() }
        let shapes = try expander.shapes(of: state)
        let isSimple = shapes.allSatisfy {
            switch $0 {
            case .array, .object: false
            default: true
            }
        }
        if isSimple {
            let node = try choice(of: shapes)
            simple[state] = node
            return node
        }
        let name = state.literals.first.map { expander.nodes[$0.node].pointer } ?? "value"
        let rule = builder.rule(named: name)
        rules[state] = rule
        pending.append(state)
        return builder.reference(rule)
    }

    mutating func finishRules() throws {
        while let state = pending.popLast() {
            guard let rule = rules[state] else { continue }
            let body = try choice(of: try expander.shapes(of: state))
            builder.define(rule, as: body)
        }
    }

    private mutating func choice(of shapes: [SchemaShape]) throws -> Node {
        var alternatives: [Node] = []
        for shape in shapes {
            switch shape {
            case .anything: alternatives.append(try any())
            case .values(let values): for value in values { alternatives.append(text(of: value)) }
            case .number(let automaton): alternatives.append(builder.automaton(automaton))
            case .string(let shape): alternatives.append(try string(shape))
            case .array(let shape): alternatives.append(try array(shape))
            case .object(let shape): alternatives.append(try object(shape))
            }
        }
        return builder.choice(alternatives)
    }

    // MARK: Simple values

    /// One value as it is written, with white space where it may stand.
    mutating func text(of value: JSONValue) -> Node {
        switch value {
        case .array(let elements):
            return brackets("[", elements.map { text(of: $0) }, "]")
        case .object(let members):
            var parts: [Node] = []
            for (key, value) in members { parts.append(member(key, text(of: value))) }
            return brackets("{", parts, "}")
        default: return builder.bytes(value.bytes)
        }
    }

    private mutating func brackets(_ open: String, _ parts: [Node], _ close: String) -> Node {
        if parts.isEmpty { return builder.text(open + close) }
        var nodes = [builder.text(open), spacing.inside]
        for (index, part) in parts.enumerated() {
            if index > 0 { nodes.append(comma) }
            nodes.append(part)
        }
        return builder.sequence(nodes + [spacing.inside, builder.text(close)])
    }

    var comma: Node {
        mutating get { builder.sequence([builder.text(","), spacing.afterComma]) }
    }

    mutating func member(_ key: String, _ value: Node) -> Node {
        builder.sequence([builder.bytes(JSONValue.string(key).bytes), builder.text(":"), spacing.afterColon, value])
    }

    /// A member whose name is one of `names`.
    mutating func member(_ names: CharacterAutomaton, _ value: Node) -> Node {
        let name: Node
        if names == .everything {
            name = anyString()
        } else if let known = self.names[names] {
            name = known
        } else {
            name = builder.automaton(names.jsonString())
            self.names[names] = name
        }
        return builder.sequence([name, builder.text(":"), spacing.afterColon, value])
    }

    private mutating func string(_ shape: StringShape) throws -> Node {
        if let automaton = shape.automaton { return builder.automaton(automaton.jsonString()) }
        if shape.minimum == 0, shape.maximum == nil { return anyString() }
        let limit = builder.limits.repetitions
        let quote = builder.text("\"")
        let character = builder.automaton(JSONLexemes.character)
        // A shorter limit than the schema's is within it.
        let content = try builder.repetition(character, shape.minimum, shape.maximum.map { min($0, limit) })
        return builder.sequence([quote, content, quote])
    }

    private mutating func anyString() -> Node {
        if let stringNode { return stringNode }
        let node = builder.automaton(JSONLexemes.string)
        stringNode = node
        return node
    }

    // MARK: Any value

    mutating func any() throws -> Node {
        if let anyValue { return builder.reference(anyValue) }
        let rule = builder.rule(named: "any value")
        anyValue = rule
        let value = builder.reference(rule)
        let object = try list("{", member(.everything, value), "}", minimum: 0, maximum: nil)
        let array = try list("[", value, "]", minimum: 0, maximum: nil)
        let alternatives = [
            anyString(), builder.automaton(JSONLexemes.number), object, array,
            builder.text("true"), builder.text("false"), builder.text("null"),
        ]
        builder.define(rule, as: builder.choice(alternatives))
        return value
    }

    /// Parts between brackets, with commas between them.
    mutating func list(
        _ open: String, _ part: Node, _ close: String, minimum: Int, maximum: Int?
    ) throws -> Node {
        let empty = builder.text(open + close)
        if maximum == 0 { return empty }
        let more = try builder.repetition(
            builder.sequence([comma, part]), max(minimum, 1) - 1, maximum.map { $0 - 1 })
        let filled = builder.sequence([
            builder.text(open), spacing.inside, part, more, spacing.inside, builder.text(close),
        ])
        return minimum == 0 ? builder.choice([empty, filled]) : filled
    }
}
