import MartletJSON
import MartletText

/// Reads the keywords of the schemas that are reached from the root.
///
/// A schema is read when another mentions it, so that definitions nobody uses cost nothing and cannot be at fault.
struct SchemaParser {
    private(set) var nodes: [SchemaNode] = []
    private let resources: SchemaResources
    private let limits: SchemaLimits
    private let budget: CompileBudget
    /// What it takes to read a schema; less where it only lists values or types.
    private static let steps = 4
    private static let stepsOfList = 1
    private let omissions: SchemaOmissions
    private let patterns: PatternTable
    /// Whether the root is about the arguments of a call, which are an object.
    private let isForArguments: Bool
    /// By pointer.
    private var numbers: [ExactString: Int] = [:]
    private var pending: [(node: SchemaNode, value: JSONValue)] = []

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

    private static func noSchema(_ value: JSONValue, at pointer: String, _ keyword: String = "") -> SchemaError {
        SchemaError(
            .invalid, pointer: pointer, keyword: keyword, "a schema is an object or a boolean, not \(value.kindName)")
    }

    private static func isSchema(_ value: JSONValue) -> Bool { value.objectValue != nil || value.boolValue != nil }

    /// What says nothing about values.
    private static let silent: Set = [
        "title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly",
    ]

    private static let listing = silent.union(["type", "enum", "const"])

    private static func isList(_ value: JSONValue) -> Bool {
        value.objectValue.map { $0.keys.allSatisfy { listing.contains($0) } } ?? false
    }

    private func readValues(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        node.types = try decoder.types()
        if isForArguments, node.pointer.hasSameBytes(as: SchemaResources.rootPointer),
            node.types?.isDisjoint(with: .object) == true
        {
            node.types = try decoder.refuse("type", "the arguments of a call are an object")
        }
        node.enumeration = try decoder.filledArray("enum", of: "value")
        if let constant = decoder["const"] {
            node.enumeration = node.enumeration.map { $0.filter { JSONEquality.equal($0, constant) } } ?? [constant]
        }
    }

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
            node.divisor = try decoder.refuse("multipleOf", "it is above 0")
        }
        node.minLength = try decoder.leastCount("minLength")
        node.maxLength = try decoder.count("maxLength")
        node.pattern = try decoder.string("pattern")
        if let pattern = node.pattern, !(try isUsable(pattern, decoder, "pattern")) { node.pattern = nil }
        node.format = try decoder.string("format")
    }

    /// Whether a pattern can be honoured, where it may be left out: that is found out before anything is made of it.
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

    /// The names that members ask for; in `dependencies` there are schemas beside them.
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

    private mutating func readItems(_ decoder: KeywordDecoder, _ node: SchemaNode) throws(SchemaError) {
        for (index, value) in (try decoder.array("prefixItems") ?? []).enumerated() {
            node.prefixItems.append(try number(decoder, "prefixItems", String(index), value))
        }
        // Before 2020 `items` may be a list, and `additionalItems` speaks of what follows it.
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

    /// The number of what is `part` of a keyword's value. In place of what is no schema, one that says nothing.
    private mutating func number(
        _ decoder: KeywordDecoder, _ keyword: String, _ part: String, _ value: JSONValue
    ) throws(SchemaError) -> Int {
        let pointer = SchemaResources.pointer("\(decoder.pointer)/\(keyword)", part)
        if Self.isSchema(value) { return try number(at: pointer, value) }
        try omissions.omit(Self.noSchema(value, at: pointer, keyword))
        return try number(at: pointer, true)
    }

    private mutating func schema(_ keyword: String, _ decoder: KeywordDecoder) throws(SchemaError) -> Int? {
        guard let value = decoder[keyword] else { return nil }
        guard Self.isSchema(value) else {
            try omissions.omit(Self.noSchema(value, at: decoder.pointer, keyword))
            return nil
        }
        return try number(at: "\(decoder.pointer)/\(keyword)", value)
    }

    private mutating func schemas(_ keyword: String, _ decoder: KeywordDecoder) throws(SchemaError) -> [Int] {
        guard let values = try decoder.filledArray(keyword, of: "schema") else { return [] }
        // One of several alternatives is not left out by itself, since that would make the others mean more.
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

    /// A schema that asks the same value to fulfil itself says nothing that could be decided.
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
                        "it refers to itself for the same value")
                }
                if visits[next] == .none {
                    visits[next] = .open
                    stack.append((next, nodes[next].inPlace[...]))
                }
            }
        }
    }
}
