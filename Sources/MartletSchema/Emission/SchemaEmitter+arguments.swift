import MartletGrammar
import MartletJSON

/// Arguments of tool calls: the members of an object in the notation of a chat format.
extension SchemaEmitter {
    /// The objects of `state` as arguments.
    ///
    /// - Parameter isClosed: whether only named arguments are admitted, unless the schema admits others explicitly.
    /// - Throws: an error of kind `unsatisfiable` if no object can be written in the notation.
    mutating func arguments(
        _ state: SchemaState, _ notation: ArgumentNotation, isClosed: Bool
    ) throws -> Node {
        var alternatives: [Node] = []
        for shape in try expander.shapes(of: state) {
            switch restricted(shape, to: .object) {
            case .object(var shape)?:
                if isClosed, !shape.mixesOthers { shape.others = [] }
                alternatives.append(try arguments(shape, notation))
            case .values(let values)?:
                // Other notations write arguments one by one and cannot write a whole listed object.
                if case .json = notation { alternatives += values.map { text(of: $0) } }
            default: break
            }
        }
        let node = builder.choice(alternatives)
        if node == builder.never(), builder.failure == nil {
            throw SchemaError(
                .unsatisfiable, pointer: "#", keyword: "",
                "no object that fulfils it can be written in the model's notation of arguments")
        }
        return node
    }

    /// The objects of one shape as arguments.
    private mutating func arguments(_ shape: ObjectShape, _ notation: ArgumentNotation) throws -> Node {
        if case .tagged(let tags) = notation, tags.prefix == nil { avoided = tags.ending }
        switch notation {
        case .json, .gemma: return try object(shape)
        case .python:
            let brackets = Brackets(
                open: builder.text("("), emptyEnd: builder.text(")"), lead: builder.empty(),
                between: builder.text(", "), end: builder.text(")"))
            return try object(shape, in: brackets) { member, emitter in
                guard Self.isKeyword(member.key) else { return emitter.builder.never() }
                let value = try emitter.value(member.state)
                return emitter.builder.sequence([emitter.builder.text(member.key + "="), value])
            } others: { names, state, emitter in
                let name = try emitter.bareName(names)
                let value = try emitter.value(state)
                return emitter.builder.sequence([name, emitter.builder.text("="), value])
            }
        case .tagged(let tags):
            let nothing = builder.empty()
            let brackets = Brackets(
                open: nothing, emptyEnd: nothing, lead: nothing, between: try tags.separator(&builder), end: nothing)
            return try object(shape, in: brackets) { member, emitter in
                try emitter.argument(.named(member.key), member.state, tags)
            } others: { names, state, emitter in
                let name = try emitter.bareName(names)
                return try emitter.argument(.other(name), state, tags)
            }
        }
    }

    /// One argument: for each way to write it, the text before it, the value and the text after it.
    private mutating func argument(
        _ name: TagNotation.Name, _ state: SchemaState, _ tags: TagNotation
    ) throws -> Node {
        var alternatives: [Node] = []
        for alternative in try tags.alternatives(name, &builder) {
            let value = try at(alternative.location) { try $0.value(state, alternative, tags) }
            alternatives.append(builder.sequence([alternative.front, value, alternative.back]))
        }
        return builder.choice(alternatives)
    }

    /// Whether a name can precede `=` in Python's notation.
    private static func isKeyword(_ key: String) -> Bool {
        guard let first = key.unicodeScalars.first, first.properties.isAlphabetic || first == "_" else { return false }
        return key.unicodeScalars.allSatisfy { $0.value > 0x20 && !"{}()[],\"'=\\\u{7F}".unicodeScalars.contains($0) }
    }

    // MARK: Between tags

    /// The value of an argument between tags: plain strings, and JSON for all other types.
    private mutating func value(
        _ state: SchemaState, _ alternative: TagNotation.Alternative, _ tags: TagNotation
    ) throws -> Node {
        // Every text is some value here, and the schema admits any value.
        if state.literals.isEmpty, alternative.types == .all {
            return anything(until: tags.ending)
        }
        var values: [Node] = []
        if alternative.types.contains(.string) {
            let text = PlainText(
                ending: tags.ending, readAs: alternative.readAs.subtracting(.string), excludesData: tags.allowsData)
            for shape in try expander.shapes(of: state) {
                guard let shape = restricted(shape, to: .string) else { continue }
                let node = try plainText(shape, text)
                // In free text the output parser reads line feeds as content; otherwise it strips one on each side.
                let isFree = node == anything(until: tags.ending)
                let feed = builder.text("\n")
                values.append(
                    builder.sequence([
                        !isFree && tags.opensWithLineFeed ? feed : builder.empty(), node,
                        !isFree && tags.closesWithLineFeed ? feed : builder.empty(),
                    ]))
            }
        }
        let others = alternative.types.subtracting(.string)
        if !others.isEmpty {
            var nodes = [try value(state, of: others)]
            if tags.writesPython {
                for (value, word) in [(JSONValue.bool(true), "True"), (.bool(false), "False"), (.null, "None")]
                where try !others.isDisjoint(with: JSONTypes(of: value)) && allows(value, state) {
                    nodes.append(builder.text(word))
                }
            }
            let space = try builder.repetition(builder.byteSet(ByteSet(" \t\r\n".utf8)), 0, 16)
            values.append(
                tags.prefix == nil ? builder.sequence([space, builder.choice(nodes), space]) : builder.choice(nodes))
        }
        return builder.choice(values)
    }

    /// Whether a value fulfils all literals of a state.
    private func allows(_ value: JSONValue, _ state: SchemaState) throws -> Bool {
        for literal in state.literals where try !expander.evaluator.holds(literal, value) { return false }
        return true
    }

    /// The values of a state that have one of `types`.
    private mutating func value(_ state: SchemaState, of types: JSONTypes) throws -> Node {
        if types == .all { return try value(state) }
        if state.literals.isEmpty {
            let single: [JSONTypes] = [.null, .boolean, .number, .string, .array, .object]
            return try choice(
                of: single.filter { !$0.isDisjoint(with: types) }.compactMap { restricted(.anything, to: $0) })
        }
        return try choice(of: try expander.shapes(of: state).compactMap { restricted($0, to: types) })
    }

    /// The part of a shape that has one of `types`; `nil` if it is empty.
    ///
    /// - Precondition: for `anything`, `types` is a single type.
    private func restricted(_ shape: SchemaShape, to types: JSONTypes) -> SchemaShape? {
        let any = SchemaState([])
        switch shape {
        case .anything:
            switch types {
            case .null: return .values([.null])
            case .boolean: return .values([.bool(false), .bool(true)])
            case .number: return .number(JSONLexemes.number)
            case .string: return .string(StringShape())
            case .array:
                return .array(ArrayShape(prefix: [], rest: any, minimum: 0, maximum: nil, counted: [], distinct: nil))
            default:
                return .object(
                    ObjectShape(
                        members: [], others: [.init(names: .all, state: any)], wanted: [], minimum: 0,
                        maximum: nil, mixesOthers: true))
            }
        case .values(let values):
            let matching = values.filter { !types.isDisjoint(with: JSONTypes(of: $0)) }
            return matching.isEmpty ? nil : .values(matching)
        case .number: return types.isDisjoint(with: .number) ? nil : shape
        case .string: return types.contains(.string) ? shape : nil
        case .array: return types.contains(.array) ? shape : nil
        case .object: return types.contains(.object) ? shape : nil
        }
    }
}
