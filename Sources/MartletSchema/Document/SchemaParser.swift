import MartletJSON
import MartletText

/// Reads the schemas that are reachable from the root, each once, and checks their keywords.
///
/// A schema is read when another schema refers to it. Unused definitions cost nothing and cannot fail. Schemas are
/// numbered in the order in which they are met; the root has number 0.
///
/// - Complexity: linear in the schemas that are read. An explicit list of pending schemas replaces recursion.
struct SchemaParser {
    /// The schemas that were met, by number. The schemas in `pending` have no keywords yet.
    private(set) var nodes: [SchemaNode] = []
    private let resources: SchemaResources
    private let limits: SchemaLimits
    private let budget: CompileBudget
    /// The steps for one schema; fewer for a schema that only lists values or types.
    private static let steps = 4
    private static let stepsOfList = 1
    private let omissions: SchemaOmissions
    private let patterns: PatternTable
    /// Whether the root describes the arguments of a tool call. Arguments are always an object.
    private let isForArguments: Bool
    /// The numbers of schemas by pointer. A schema that refers to itself ends here.
    private var numbers: [ExactString: Int] = [:]
    /// The schemas that were met and not read.
    private var pending: [(node: SchemaNode, value: JSONValue)] = []

    /// Reads a document.
    ///
    /// In relaxed mode it starts again when a `not` or `if` is dropped, as schemas inside may have been read
    /// before.
    ///
    /// - Throws: the first error; in relaxed mode errors that no keyword can be dropped for.
    static func read(
        _ root: JSONValue, limits: SchemaLimits, omissions: SchemaOmissions = SchemaOmissions(mode: .strict),
        budget: CompileBudget = CompileBudget(), patterns: PatternTable = PatternTable(), isForArguments: Bool = false
    ) throws(SchemaError) -> [SchemaNode] {
        while true {
            omissions.isNewAround = false
            var decoder = SchemaParser(
                resources: try SchemaResources(root, depthLimit: limits.depth), limits: limits, budget: budget,
                omissions: omissions, patterns: patterns, isForArguments: isForArguments)
            _ = try decoder.number(at: SchemaResources.rootPointer, root)
            while let (node, value) = decoder.pending.popLast() { try decoder.read(node, value) }
            if omissions.isNewAround { continue }
            try decoder.refuseLoops()
            var lists = ListedAlternatives(decoder.nodes, patterns: patterns, budget: budget)
            return try lists.joined()
        }
    }

    private init(
        resources: SchemaResources, limits: SchemaLimits, budget: CompileBudget, omissions: SchemaOmissions,
        patterns: PatternTable, isForArguments: Bool
    ) {
        self.resources = resources
        self.limits = limits
        self.budget = budget
        self.omissions = omissions
        self.patterns = patterns
        self.isForArguments = isForArguments
    }

    /// The number of the schema at a pointer; a new schema is added to `pending`.
    private mutating func number(at pointer: String, _ value: JSONValue) throws(SchemaError) -> Int {
        if let number = numbers[pointer] { return number }
        guard nodes.count < limits.nodes else {
            throw SchemaError(.limit, pointer: pointer, keyword: "", "it has more than \(limits.nodes) schemas")
        }
        guard budget.spend(Self.isList(value) ? Self.stepsOfList : Self.steps) else {
            throw SchemaError(.limit, pointer: pointer, keyword: "", budget.reason)
        }
        let number = nodes.count
        let node = SchemaNode(pointer: pointer)
        numbers[pointer] = number
        nodes.append(node)
        pending.append((node, value))
        return number
    }

    /// Reads the keywords of one schema.
    private mutating func read(_ node: SchemaNode, _ value: JSONValue) throws(SchemaError) {
        switch value {
        case .bool(let constant): node.constant = constant
        case .object(let members):
            let decoder = KeywordDecoder(members: members, pointer: node.pointer, omissions: omissions)
            try readValues(decoder, node)
            if Self.isList(value) { return }
            try readAssertions(decoder, node)
            try readMembers(decoder, node)
            try readItems(decoder, node)
            try readCombinations(decoder, node)
            try readReference(decoder, node)
            node.isOnlyReference =
                node.reference != nil && members.keys.allSatisfy { $0 == "$ref" || Self.silent.contains($0) }
            node.isOnlyNegation =
                node.not != nil && members.keys.allSatisfy { $0 == "not" || Self.silent.contains($0) }
            if let own = members.index(forKey: "properties") {
                node.namesMembersLast = ["$ref", "allOf"].contains { members.index(forKey: $0) ?? own < own }
            }
        default: throw Self.noSchema(value, at: node.pointer)
        }
    }

    /// The error for a value where a schema is required (core, section 4.3: a schema is an object or a boolean).
    private static func noSchema(_ value: JSONValue, at pointer: String, _ keyword: String = "") -> SchemaError {
        SchemaError(
            .invalid, pointer: pointer, keyword: keyword, "a schema is an object or a boolean, not \(value.kindName)")
    }

    /// Whether a value can be a schema.
    private static func isSchema(_ value: JSONValue) -> Bool { value.objectValue != nil || value.boolValue != nil }

    /// Annotations: keywords that constrain no value (validation, section 9).
    private static let silent: Set = [
        "title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly",
    ]

    /// The rule for `type`, `enum` and `const` of a tool's parameters, as an error or warning states it.
    private static let argumentsRule = "the arguments of a tool call are an object"

    /// Keywords of a schema that is cheap to read.
    private static let listing = silent.union(["type", "enum", "const"])

    /// Whether a schema only lists types or values.
    private static func isList(_ value: JSONValue) -> Bool {
        value.objectValue.map { $0.keys.allSatisfy { listing.contains($0) } } ?? false
    }

    /// `type`, `enum` and `const`.
    private func readValues(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        node.types = try decoder.types()
        if isForArguments, node.pointer.hasSameBytes(as: SchemaResources.rootPointer),
            node.types?.isDisjoint(with: .object) == true
        {
            node.types = try decoder.refuse("type", Self.argumentsRule)
        }
        node.enumeration = try decoder.filledArray("enum", of: "value")
        var constant = decoder["const"]
        if isForArguments, node.pointer.hasSameBytes(as: SchemaResources.rootPointer) {
            if let values = node.enumeration, !values.contains(where: { $0.objectValue != nil }) {
                node.enumeration = try decoder.refuse("enum", Self.argumentsRule)
            }
            if let value = constant, value.objectValue == nil {
                constant = try decoder.refuse("const", Self.argumentsRule)
            }
        }
        if let constant {
            node.enumeration = node.enumeration.map { $0.filter { JSONEquality.equal($0, constant) } } ?? [constant]
        }
    }

    /// Keywords of numbers and strings (validation, sections 6.2 and 6.3).
    ///
    /// | keyword | admits | example |
    /// | --- | --- | --- |
    /// | `minimum` | numbers ≥ the bound | 3 admits 3 and 3.5 |
    /// | `exclusiveMinimum` | numbers > the bound; a boolean (draft 4) makes `minimum` exclusive | 3 admits 3.001 |
    /// | `multipleOf` | numbers whose quotient is whole; the divisor is above 0 | 0.25 admits 1.75 |
    /// | `minLength`, `maxLength` | strings with so many Unicode scalars | 2 admits "é😀" |
    /// | `pattern` | strings in which the expression matches anywhere | "b" admits "abc" |
    private func readAssertions(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        node.minimum = try decoder.number("minimum")
        node.maximum = try decoder.number("maximum")
        if case .bool(let excludes)? = decoder["exclusiveMinimum"] {
            node.excludesMinimum = excludes
        } else {
            node.exclusiveMinimum = try decoder.number("exclusiveMinimum")
        }
        if case .bool(let excludes)? = decoder["exclusiveMaximum"] {
            node.excludesMaximum = excludes
        } else {
            node.exclusiveMaximum = try decoder.number("exclusiveMaximum")
        }
        node.divisor = try decoder.number("multipleOf")
        if let divisor = node.divisor, divisor.isNegative || divisor.isZero {
            node.divisor = try decoder.refuse("multipleOf", "the value must be above 0")
        }
        node.minLength = try decoder.leastCount("minLength")
        node.maxLength = try decoder.count("maxLength")
        node.pattern = try decoder.string("pattern")
        if let pattern = node.pattern, !(try isUsable(pattern, decoder, "pattern")) { node.pattern = nil }
        node.format = try decoder.string("format")
    }

    /// Whether a pattern can be compiled. In relaxed mode a pattern that cannot be is dropped here, before
    /// expansion.
    ///
    /// In strict mode the question is postponed, since a pattern of a schema that is never expanded costs nothing
    /// then.
    private func isUsable(
        _ pattern: String, _ decoder: KeywordDecoder, _ keyword: String
    ) throws(SchemaError) -> Bool {
        guard omissions.mode == .relaxed else { return true }
        do {
            if keyword == "pattern" {
                _ = try patterns.texts(of: .pattern(pattern))
            } else {
                _ = try patterns.automaton(for: .pattern(pattern))
            }
            return true
        } catch {
            let nothing: Never? = try decoder.refuse(keyword, error.message, .unsupported)
            return nothing != nil
        }
    }

    /// Keywords of objects (core, section 10.3.2; validation, section 6.5).
    ///
    /// | keyword | rule |
    /// | --- | --- |
    /// | `properties` | the member with the name, if present, fulfils the schema |
    /// | `patternProperties` | each member whose name matches fulfils the schema |
    /// | `additionalProperties` | each member that neither of them names fulfils the schema |
    /// | `propertyNames` | each name, as a string, fulfils the schema |
    /// | `required` | the names are present |
    /// | `dependentRequired`, `dependentSchemas` | if the name is present, the names are present; the schema holds |
    /// | `dependencies` | the two in one keyword (drafts 4 to 7); a name alone is a list of one |
    private mutating func readMembers(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        for (key, value) in try decoder.object("properties") ?? [:] {
            let number = try self.number(decoder, "properties", key, value)
            node.properties.append((key, number))
            node.propertyNumbers[key] = number
        }
        for (pattern, value) in try decoder.object("patternProperties") ?? [:] {
            guard try isUsable(pattern, decoder, "patternProperties") else {
                node.patternProperties = []
                break
            }
            node.patternProperties.append((pattern, try number(decoder, "patternProperties", pattern, value)))
        }
        node.additionalProperties = try schema("additionalProperties", decoder)
        node.propertyNames = try schema("propertyNames", decoder)
        node.unevaluatedProperties = try schema("unevaluatedProperties", decoder)
        node.required = try decoder.strings("required") ?? []
        node.minProperties = try decoder.leastCount("minProperties")
        node.maxProperties = try decoder.count("maxProperties")
        node.dependentRequired = try requirements("dependentRequired", decoder)
        for (key, value) in try decoder.object("dependentSchemas") ?? [:] {
            node.dependentSchemas.append((key, try number(decoder, "dependentSchemas", key, value)))
        }
        let mixed = try decoder.object("dependencies") ?? [:]
        node.dependentRequired += try requirements("dependencies", decoder)
        for (key, value) in mixed where value.arrayValue == nil && value.stringValue == nil {
            node.dependentSchemas.append((key, try number(decoder, "dependencies", key, value)))
        }
    }

    /// The names that a member requires. In `dependencies`, schemas stand among them and are skipped here.
    private func requirements(
        _ keyword: String, _ decoder: KeywordDecoder
    ) throws(SchemaError) -> [(key: String, required: [String])] {
        var found: [(key: String, required: [String])] = []
        for (key, value) in try decoder.object(keyword) ?? [:] {
            if keyword == "dependencies" {
                if let other = value.stringValue { found.append((key, [other])) }
                guard value.arrayValue != nil else { continue }
            }
            guard let required = try decoder.strings(value, keyword) else { return [] }
            found.append((key, required))
        }
        return found
    }

    /// Keywords of arrays (core, section 10.3.1; validation, section 6.4).
    ///
    /// `prefixItems` applies to items by position, `items` to all behind them. `contains` asks that at least
    /// `minContains` (default 1) and at most `maxContains` items fulfil a schema.
    private mutating func readItems(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        for (index, value) in (try decoder.array("prefixItems") ?? []).enumerated() {
            node.prefixItems.append(try number(decoder, "prefixItems", String(index), value))
        }
        // Before draft 2020-12, `items` may be an array, and `additionalItems` applies to the items behind it.
        if case .array(let prefix)? = decoder["items"] {
            for (index, value) in prefix.enumerated() {
                node.prefixItems.append(try number(decoder, "items", String(index), value))
            }
            node.items = try schema("additionalItems", decoder)
        } else {
            node.items = try schema("items", decoder)
        }
        node.contains = try schema("contains", decoder)
        node.minContains = try decoder.count("minContains")
        node.maxContains = try decoder.count("maxContains")
        node.minItems = try decoder.leastCount("minItems")
        node.maxItems = try decoder.count("maxItems")
        node.hasUniqueItems = try decoder.boolean("uniqueItems") ?? false
        node.unevaluatedItems = try schema("unevaluatedItems", decoder)
    }

    /// Keywords that combine schemas for one value (core, section 10.2). Without `if`, `then` and `else` are
    /// ignored.
    private mutating func readCombinations(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        node.allOf = try schemas("allOf", decoder)
        node.anyOf = try schemas("anyOf", decoder)
        node.oneOf = try schemas("oneOf", decoder)
        node.not = try schema("not", decoder)
        node.condition = try schema("if", decoder)
        if node.condition != nil {
            node.thenBranch = try schema("then", decoder)
            node.elseBranch = try schema("else", decoder)
        }
    }

    /// `$ref`, and `$dynamicRef` and `$recursiveRef` where their target is unique (core, section 8.2.3).
    private mutating func readReference(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            guard let text = try decoder.string(keyword) else { continue }
            let found: (pointer: String, value: JSONValue)
            do throws(SchemaError) {
                found = try resources.resolve(text, keyword, from: node.pointer)
                guard Self.isSchema(found.value) else { throw Self.noSchema(found.value, at: node.pointer, keyword) }
            } catch {
                try omissions.omit(error)
                continue
            }
            let number = try self.number(at: found.pointer, found.value)
            if node.reference != nil {
                node.allOf.append(number)
            } else {
                node.reference = number
                node.referenceHidesSiblings = resources.referenceHidesSiblings
            }
        }
    }

    /// The number of a schema that is a part of a keyword's value, e.g. one of `allOf`.
    ///
    /// In relaxed mode a value that is no schema counts as `true`.
    private mutating func number(
        _ decoder: KeywordDecoder, _ keyword: String, _ part: String, _ value: JSONValue
    ) throws(SchemaError) -> Int {
        let pointer = SchemaResources.pointer("\(decoder.pointer)/\(keyword)", part)
        if Self.isSchema(value) { return try number(at: pointer, value) }
        try omissions.omit(Self.noSchema(value, at: pointer, keyword))
        return try number(at: pointer, true)
    }

    /// The number of the schema that is a keyword's value.
    private mutating func schema(_ keyword: String, _ decoder: KeywordDecoder) throws(SchemaError) -> Int? {
        guard let value = decoder[keyword] else { return nil }
        guard Self.isSchema(value) else {
            try omissions.omit(Self.noSchema(value, at: decoder.pointer, keyword))
            return nil
        }
        return try number(at: "\(decoder.pointer)/\(keyword)", value)
    }

    /// The numbers of the schemas in a keyword's array.
    private mutating func schemas(_ keyword: String, _ decoder: KeywordDecoder) throws(SchemaError) -> [Int] {
        guard let values = try decoder.filledArray(keyword, of: "schema") else { return [] }
        // A single alternative is not dropped: without it, fewer values would be admitted, and those of a `oneOf` would
        // differ. The whole keyword is dropped instead.
        if keyword != "allOf", let value = values.first(where: { !Self.isSchema($0) }) {
            try omissions.omit(Self.noSchema(value, at: decoder.pointer, keyword))
            return []
        }
        var numbers: [Int] = []
        for (index, value) in values.enumerated() {
            numbers.append(try number(decoder, keyword, String(index), value))
        }
        return numbers
    }

    /// Refuses a schema that applies itself to the same value, e.g. `{"$ref": "#"}`: the specification leaves it
    /// undefined.
    ///
    /// A depth-first search over in-place applicators with an explicit stack; O(schemas and references).
    private func refuseLoops() throws(SchemaError) {
        enum Visit {
            case none, open, done
        }
        var visits = [Visit](repeating: .none, count: nodes.count)
        for start in nodes.indices where visits[start] == .none {
            var stack = [(start, nodes[start].inPlace[...])]
            visits[start] = .open
            while let (node, rest) = stack.last {
                guard let next = rest.first else {
                    visits[node] = .done
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].1 = rest.dropFirst()
                if visits[next] == .open {
                    throw SchemaError(
                        .unsatisfiable, pointer: nodes[node].pointer,
                        keyword: nodes[node].reference == next ? "$ref" : "",
                        "the schema applies itself to the same value")
                }
                if visits[next] == .none {
                    visits[next] = .open
                    stack.append((next, nodes[next].inPlace[...]))
                }
            }
        }
    }
}
