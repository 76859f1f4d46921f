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
    let notation: ValueNotation
    let spacing: SpacingNodes
    /// What tells apart the rules for any value that are shared.
    private let notationKey: String
    /// What stands around objects and arrays.
    let objects: Brackets
    let arrays: Brackets
    /// What no JSON may hold, as it would end there for its reader; set before anything is written.
    var avoided: String?
    /// By which a reader tells what a text without quotes is that is written now; of no meaning in other notations.
    var location = SchemaLocation.unknown
    private var rules: [Target: GrammarBuilder.Rule] = [:]
    private var simple: [Target: Node] = [:]
    private var pending: [Target] = []
    private var stringNode: Node?
    private var characterNode: Node?
    private var names: [MemberNames: Node] = [:]
    private var freeTexts: [String: Node] = [:]

    /// What is written for the values of a state.
    private struct Target: Hashable {
        var state: SchemaState
        var location: SchemaLocation
    }

    init(
        builder: consuming GrammarBuilder, expander: SchemaExpander, notation: ValueNotation, spacing: JSONSpacing
    ) {
        self.builder = builder
        self.expander = expander
        self.notation = notation
        self.spacing = SpacingNodes(spacing, &self.builder)
        notationKey = "\(notation) \(spacing)"
        objects = Brackets("{", "}", notation, self.spacing, &self.builder)
        arrays = Brackets("[", "]", notation, self.spacing, &self.builder)
    }

    /// A node for the values of `state`; the rules it needs are written by `finishRules`.
    mutating func value(_ state: SchemaState) throws -> Node {
        let target = Target(state: state, location: location)
        if let node = simple[target] { return node }
        if let rule = rules[target] { return builder.reference(rule) }
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
            simple[target] = node
            return node
        }
        let name = state.literals.first.map { expander.nodes[$0.node].pointer } ?? "value"
        let rule = builder.rule(named: name)
        rules[target] = rule
        pending.append(target)
        return builder.reference(rule)
    }

    mutating func finishRules() throws {
        while let target = pending.popLast() {
            guard let rule = rules[target] else { continue }
            let body = try at(target.location) { emitter in
                try emitter.choice(of: try emitter.expander.shapes(of: target.state))
            }
            builder.define(rule, as: body)
        }
    }

    /// What `write` makes of a value at another place.
    mutating func at(_ location: SchemaLocation, _ write: (inout SchemaEmitter) throws -> Node) rethrows -> Node {
        let outer = self.location
        self.location = location
        defer { self.location = outer }
        return try write(&self)
    }

    /// The place of a member, where places matter.
    func location(ofMember key: String) -> SchemaLocation {
        guard case .tags = notation else { return location }
        return location.member(key)
    }

    /// The place of an item, where places matter.
    var itemLocation: SchemaLocation {
        guard case .tags = notation else { return location }
        return location.item
    }

    mutating func choice(of shapes: [SchemaShape]) throws -> Node {
        var alternatives: [Node] = []
        for shape in shapes {
            switch shape {
            case .anything: alternatives.append(try any())
            case .values(let values): for value in values { alternatives.append(text(of: value)) }
            case .number(let number): alternatives.append(builder.automaton(number))
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
            var parts: [Node] = []
            for element in elements { parts.append(item { $0.text(of: element) }) }
            return sequence(parts, in: arrays)
        case .object(let members):
            var parts: [Node] = []
            for (key, value) in members {
                let value = at(location(ofMember: key)) { $0.text(of: value) }
                parts.append(member(key, value))
            }
            return sequence(parts, in: objects)
        case .string(let text): return string(text)
        case .bool(let value): return builder.text(word(value ? "true" : "false"))
        case .null: return builder.text(word("null"))
        default: return builder.bytes(value.bytes)
        }
    }

    private mutating func sequence(_ parts: [Node], in brackets: Brackets) -> Node {
        if parts.isEmpty { return builder.sequence([brackets.open, brackets.emptyEnd]) }
        var nodes = [brackets.open, brackets.lead]
        for (index, part) in parts.enumerated() {
            if index > 0 { nodes.append(brackets.between) }
            nodes.append(part)
        }
        return builder.sequence(nodes + [brackets.end])
    }

    /// What JSON calls `word`.
    private func word(_ word: String) -> String {
        guard notation == .python else { return word }
        return switch word {
        case "true": "True"
        case "false": "False"
        default: "None"
        }
    }

    /// An item of an array.
    mutating func item(_ write: (inout SchemaEmitter) throws -> Node) rethrows -> Node {
        let value = try at(itemLocation, write)
        guard case .tags(let prefix) = notation else { return value }
        return tag(prefix, builder.text(ValueNotation.item), value, builder.text(ValueNotation.item))
    }

    private mutating func tag(_ prefix: String, _ name: Node, _ value: Node, _ closingName: Node) -> Node {
        builder.sequence([
            builder.controlToken(prefix), builder.text("<"), name, builder.text(">"), value,
            builder.controlToken(prefix),
            builder.text("</"), closingName, builder.text(">"),
        ])
    }

    mutating func member(_ key: String, _ value: Node) -> Node {
        let name: Node
        switch notation {
        case .json, .python: name = string(key)
        case .gemma: name = Self.isBare(key) ? builder.text(key) : string(key)
        case .tags(let prefix):
            // A name that would end its tag is none.
            guard Self.isBare(key) else { return builder.never() }
            return tag(prefix, builder.text(key), value, builder.text(key))
        }
        return builder.sequence([name, builder.text(":"), spacing.afterColon, value])
    }

    /// Whether a key can stand without quotes.
    private static func isBare(_ key: String) -> Bool {
        !key.isEmpty && !"/<".contains(key.first ?? "/")
            && key.unicodeScalars.allSatisfy { $0.value > 0x20 && !"{}()[],:\"\\>".unicodeScalars.contains($0) }
    }

    /// A member whose name is one of `names`.
    mutating func member(_ names: MemberNames, _ value: Node) throws -> Node {
        let name: Node
        if let known = self.names[names] {
            name = known
        } else {
            name = try self.name(names)
            self.names[names] = name
        }
        if case .tags(let prefix) = notation {
            // The name at the end is not compared when it is read.
            return tag(prefix, name, value, name)
        }
        return builder.sequence([name, builder.text(":"), spacing.afterColon, value])
    }

    private mutating func name(_ names: MemberNames) throws -> Node {
        switch notation {
        case .json:
            guard case .others(let names) = names, avoided == nil else {
                return try automaton(try spelled(names.automaton).jsonString())
            }
            if names.isEmpty { return try anyString() }
            let others = JSONLexemes.string(otherThan: names)
            // A row is copied as a whole, so that it costs less than others do.
            return try automaton(others, transitions: others.transitions.count / 16 + 4 * others.stateCount)
        case .python:
            let automaton = names.automaton
            return builder.choice([
                try self.automaton(automaton.jsonString()), try self.automaton(automaton.jsonString(quote: 0x27)),
            ])
        case .gemma, .tags: return try bareName(names)
        }
    }

    /// A name that stands without quotes.
    mutating func bareName(_ names: MemberNames) throws -> Node {
        let plain = try expander.patterns.automaton(for: .pattern("^[A-Za-z_][A-Za-z0-9_]{0,63}$"))
        var automaton = try names.automaton.intersection(plain)
        switch notation {
        case .gemma, .tags: automaton = try automaton.subtracting(ScalarAutomaton(texts: [ValueNotation.item]))
        case .json, .python: break
        }
        return automaton.isEmpty ? builder.never() : try self.automaton(automaton.plainText())
    }

    // MARK: Strings

    private mutating func string(_ text: String) -> Node {
        switch notation {
        case .json:
            if let avoided, text.contains(avoided) { return builder.never() }
            return builder.bytes(JSONValue.string(text).bytes)
        case .python:
            let json = JSONValue.string(text).bytes
            return builder.choice([builder.bytes(json), builder.bytes(JSONLexemes.inSingleQuotes(json))])
        case .gemma:
            // The mark is not among what a string can hold.
            return text.contains(ValueNotation.gemmaQuote) ? builder.never() : marked(builder.text(text))
        case .tags:
            return (try? plainText(.values([.string(text)]), plain)) ?? builder.never()
        }
    }

    /// The texts of an automaton that can be written.
    private func spelled(_ automaton: ScalarAutomaton) throws -> ScalarAutomaton {
        guard let avoided else { return automaton }
        return try automaton.intersection(PlainText(ending: avoided).texts)
    }

    private mutating func marked(_ text: Node) -> Node {
        let quote = builder.controlToken(ValueNotation.gemmaQuote)
        return builder.sequence([quote, text, quote])
    }

    /// What a string without quotes must not be, where that is the notation.
    private var plain: PlainText {
        switch notation {
        case .tags(let prefix): PlainText(ending: prefix, readAs: location.types.subtracting(.string))
        default: PlainText(ending: ValueNotation.gemmaQuote)
        }
    }

    private mutating func string(_ shape: StringShape) throws -> Node {
        switch notation {
        case .json, .python: break
        case .gemma: return marked(try plainText(.string(shape), plain))
        case .tags: return try plainText(.string(shape), plain)
        }
        if let automaton = shape.automaton {
            var nodes: [Node] = []
            for quote in notation == .python ? [0x22, 0x27] : [0x22] as [UInt8] {
                nodes.append(try texts(of: try spelled(automaton), shape, quote: quote))
            }
            return builder.choice(nodes)
        }
        if shape.minimum == 0, shape.maximum == nil { return try anyString() }
        let limit = builder.limits.repetitions
        let quote = builder.text("\"")
        let character = anyCharacter()
        // A shorter limit than the schema's is within it.
        let content = try builder.repetition(character, shape.minimum, shape.maximum.map { min($0, limit) })
        return builder.sequence([quote, content, quote])
    }

    /// Any character of a string, but for one that begins what is avoided.
    private mutating func anyCharacter() -> Node {
        if let characterNode { return characterNode }
        let node = builder.automaton(
            avoided?.utf8.first.map { JSONLexemes.character(without: $0) } ?? JSONLexemes.character)
        characterNode = node
        return node
    }

    /// Any string in quotes.
    private mutating func anyString() throws -> Node {
        if let stringNode { return stringNode }
        var node = builder.automaton(avoided == nil ? JSONLexemes.string : try spelled(.everything).jsonString())
        if notation == .python {
            node = builder.choice([node, builder.automaton(ScalarAutomaton.everything.jsonString(quote: 0x27))])
        }
        stringNode = node
        return node
    }

    /// Any text in which `ending` does not occur.
    mutating func anything(until ending: String) -> Node {
        if let known = freeTexts[ending] { return known }
        let node = builder.anything(until: [ending], consumingDelimiter: false)
        freeTexts[ending] = node
        return node
    }

    // MARK: Any value

    mutating func any() throws -> Node {
        let (rule, isNew) = builder.sharedRule(named: "any value, \(notationKey) \(avoided ?? "")")
        let value = builder.reference(rule)
        guard isNew else { return value }
        // Shared by all places, so that none is known.
        let body = try at(.unknown) { emitter in
            let object = try emitter.list(
                try emitter.member(.all, value), in: emitter.objects, minimum: 0, maximum: nil)
            let array = try emitter.list(emitter.item { _ in value }, in: emitter.arrays, minimum: 0, maximum: nil)
            let alternatives = [
                try emitter.string(StringShape()), emitter.builder.automaton(JSONLexemes.number), object, array,
                emitter.text(of: .bool(true)), emitter.text(of: .bool(false)), emitter.text(of: .null),
            ]
            return emitter.builder.choice(alternatives)
        }
        builder.define(rule, as: body)
        return value
    }

    /// Parts between brackets, with commas between them.
    mutating func list(_ part: Node, in brackets: Brackets, minimum: Int, maximum: Int?) throws -> Node {
        let empty = builder.sequence([brackets.open, brackets.emptyEnd])
        if maximum == 0 { return empty }
        let more = try builder.repetition(
            builder.sequence([brackets.between, part]), max(minimum, 1) - 1, maximum.map { $0 - 1 })
        let filled = builder.sequence([brackets.open, brackets.lead, part, more, brackets.end])
        return minimum == 0 ? builder.choice([empty, filled]) : filled
    }
}
