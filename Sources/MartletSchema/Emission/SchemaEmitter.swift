import MartletGrammar
import MartletJSON
import OrderedCollections

/// Writes states as expressions and rules of a grammar.
///
/// A state with objects or arrays becomes a rule, so that a recursive schema becomes a recursive grammar; rules are
/// written by `finishRules` from a list, not by recursion. Other states become automata in place. The type is not
/// copyable, as its builder has large tables with one owner.
struct SchemaEmitter: ~Copyable {
    typealias Node = GrammarBuilder.Node

    var builder: GrammarBuilder
    let expander: SchemaExpander
    let notation: ValueNotation
    let spacing: SpacingNodes
    /// Distinguishes the rules for any value that different schemas of a grammar share.
    private let notationKey: String
    /// Brackets and commas of objects and arrays.
    let objects: Brackets
    let arrays: Brackets
    /// A text that JSON must not contain, as the output parser would end the value there. Set before any value is
    /// written.
    var avoided: String?
    /// The location of the value that is written now. Only notations without quotes use it.
    var location = SchemaLocation.unknown
    /// The rules of states with objects or arrays.
    private var rules: [Target: GrammarBuilder.Rule] = [:]
    /// The expressions of all other states.
    private var simple: [Target: Node] = [:]
    /// States whose rules have no body yet.
    private var pending: [Target] = []
    private var stringNode: Node?
    private var characterNode: Node?
    private var names: [MemberNames: Node] = [:]
    private var freeTexts: [String: Node] = [:]

    /// A state at a location; the same state is written differently where the output parser expects other types.
    private struct Target: Hashable {
        var state: SchemaState
        var location: SchemaLocation
    }

    /// Creates an emitter that takes over a builder.
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

    /// The expression for the values of `state`. `finishRules` writes the rules that it refers to.
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

    /// Writes the bodies of all rules that values refer to.
    ///
    /// It ends, as there are finitely many states; the builder's limits and the budget bound their number.
    mutating func finishRules() throws {
        while let target = pending.popLast() {
            guard let rule = rules[target] else { continue }
            let body = try at(target.location) { emitter in
                try emitter.choice(of: try emitter.expander.shapes(of: target.state))
            }
            builder.define(rule, as: body)
        }
    }

    /// Runs `write` for a value at another location.
    mutating func at(_ location: SchemaLocation, _ write: (inout SchemaEmitter) throws -> Node) rethrows -> Node {
        let outer = self.location
        self.location = location
        defer { self.location = outer }
        return try write(&self)
    }

    /// The location of a member, in notations that use locations.
    func location(ofMember key: String) -> SchemaLocation {
        guard case .tags = notation else { return location }
        return location.member(key)
    }

    /// The location of an item, in notations that use locations.
    var itemLocation: SchemaLocation {
        guard case .tags = notation else { return location }
        return location.item
    }

    /// The alternatives of some shapes.
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

    /// One value as text, with the admitted white space.
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

    /// Parts between brackets, with commas.
    private mutating func sequence(_ parts: [Node], in brackets: Brackets) -> Node {
        if parts.isEmpty { return builder.sequence([brackets.open, brackets.emptyEnd]) }
        var nodes = [brackets.open, brackets.lead]
        for (index, part) in parts.enumerated() {
            if index > 0 { nodes.append(brackets.between) }
            nodes.append(part)
        }
        return builder.sequence(nodes + [brackets.end])
    }

    /// The spelling of `true`, `false` or `null`.
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

    /// A value between an opening and a closing tag.
    private mutating func tag(_ prefix: String, _ name: Node, _ value: Node, _ closingName: Node) -> Node {
        builder.sequence([
            builder.controlToken(prefix), builder.text("<"), name, builder.text(">"), value,
            builder.controlToken(prefix),
            builder.text("</"), closingName, builder.text(">"),
        ])
    }

    /// A member with a fixed name.
    mutating func member(_ key: String, _ value: Node) -> Node {
        let name: Node
        switch notation {
        case .json, .python: name = string(key)
        case .gemma: name = Self.isBare(key) ? builder.text(key) : string(key)
        case .tags(let prefix):
            // A name that would end its tag cannot be written.
            guard Self.isBare(key) else { return builder.never() }
            return tag(prefix, builder.text(key), value, builder.text(key))
        }
        return builder.sequence([name, builder.text(":"), spacing.afterColon, value])
    }

    /// Whether a name can be written without quotes.
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
            // The output parser does not compare the closing name, so the grammar need not repeat the opening one.
            return tag(prefix, name, value, name)
        }
        return builder.sequence([name, builder.text(":"), spacing.afterColon, value])
    }

    /// The expression of a set of names.
    private mutating func name(_ names: MemberNames) throws -> Node {
        switch notation {
        case .json:
            guard case .others(let names) = names, avoided == nil else {
                return try automaton(try spelled(names.automaton).jsonString())
            }
            if names.isEmpty { return try anyString() }
            let others = JSONLexemes.string(otherThan: names)
            // Rows are copied as a whole, which is cheaper than filling them.
            return try automaton(others, transitions: others.transitions.count / 16 + 4 * others.stateCount)
        case .python:
            let automaton = names.automaton
            return builder.choice([
                try self.automaton(automaton.jsonString()), try self.automaton(automaton.jsonString(quote: 0x27)),
            ])
        case .gemma, .tags: return try bareName(names)
        }
    }

    /// A name without quotes: an identifier of at most 64 characters.
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

    /// A string that is fixed.
    private mutating func string(_ text: String) -> Node {
        switch notation {
        case .json:
            if let avoided, text.contains(avoided) { return builder.never() }
            return builder.bytes(JSONValue.string(text).bytes)
        case .python:
            let json = JSONValue.string(text).bytes
            return builder.choice([builder.bytes(json), builder.bytes(JSONLexemes.inSingleQuotes(json))])
        case .gemma:
            // A string that contains the delimiter cannot be written.
            return text.contains(ValueNotation.gemmaQuote) ? builder.never() : marked(builder.text(text))
        case .tags:
            return (try? plainText(.values([.string(text)]), plain)) ?? builder.never()
        }
    }

    /// The texts of an automaton that do not contain `avoided`.
    private func spelled(_ automaton: ScalarAutomaton) throws -> ScalarAutomaton {
        guard let avoided else { return automaton }
        return try automaton.intersection(PlainText(ending: avoided).texts)
    }

    /// A text between Gemma's delimiters.
    private mutating func marked(_ text: Node) -> Node {
        let quote = builder.controlToken(ValueNotation.gemmaQuote)
        return builder.sequence([quote, text, quote])
    }

    /// The texts that a string without quotes may have in this notation and location.
    private var plain: PlainText {
        switch notation {
        case .tags(let prefix): PlainText(ending: prefix, readAs: location.types.subtracting(.string))
        default: PlainText(ending: ValueNotation.gemmaQuote)
        }
    }

    /// The strings of a shape.
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
        // A shorter limit than the schema's admits fewer texts, and never others.
        let content = try builder.repetition(character, shape.minimum, shape.maximum.map { min($0, limit) })
        return builder.sequence([quote, content, quote])
    }

    /// Any character of a string except one that begins `avoided`.
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

    /// Any JSON value. The rule is shared by all schemas of a grammar with the same notation.
    mutating func any() throws -> Node {
        let (rule, isNew) = builder.sharedRule(named: "any value, \(notationKey) \(avoided ?? "")")
        let value = builder.reference(rule)
        guard isNew else { return value }
        // All locations share the rule, so that it must be correct for an unknown one.
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

    /// A list of equal parts between brackets, with commas.
    mutating func list(_ part: Node, in brackets: Brackets, minimum: Int, maximum: Int?) throws -> Node {
        let empty = builder.sequence([brackets.open, brackets.emptyEnd])
        if maximum == 0 { return empty }
        let more = try builder.repetition(
            builder.sequence([brackets.between, part]), max(minimum, 1) - 1, maximum.map { $0 - 1 })
        let filled = builder.sequence([brackets.open, brackets.lead, part, more, brackets.end])
        return minimum == 0 ? builder.choice([empty, filled]) : filled
    }
}
