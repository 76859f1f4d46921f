import MartletJSON
import MartletText

/// Reads the keywords of the schemas that are reached from the root.
///
/// A schema is read when another mentions it, so that definitions nobody uses cost nothing and cannot be at fault.
struct SchemaReader {
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
            var reader = SchemaReader(
                resources: try SchemaResources(root, depthLimit: limits.depth), limits: limits, budget: budget,
                omissions: omissions, patterns: patterns, isForArguments: isForArguments)
            _ = try reader.number(at: SchemaResources.rootPointer, root)
            while let (node, value) = reader.pending.popLast() { try reader.read(node, value) }
            if omissions.isNewAround { continue }
            try reader.refuseLoops()
            var lists = ListedAlternatives(reader.nodes, patterns: patterns, budget: budget)
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
            let reader = KeywordReader(members: members, pointer: node.pointer, omissions: omissions)
            try readValues(reader, node)
            if Self.isList(value) { return }
            try readAssertions(reader, node)
            try readMembers(reader, node)
            try readItems(reader, node)
            try readCombinations(reader, node)
            try readReference(reader, node)
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

    private func readValues(_ reader: KeywordReader, _ node: SchemaNode) throws(SchemaError) {
        node.types = try reader.types()
        if isForArguments, node.pointer.hasSameBytes(as: SchemaResources.rootPointer),
            node.types?.isDisjoint(with: .object) == true
        {
            node.types = try reader.refuse("type", "the arguments of a call are an object")
        }
        node.enumeration = try reader.filledArray("enum", of: "value")
        if let constant = reader["const"] {
            node.enumeration = node.enumeration.map { $0.filter { JSONEquality.equal($0, constant) } } ?? [constant]
        }
    }

    private func readAssertions(_ reader: KeywordReader, _ node: SchemaNode) throws(SchemaError) {
        node.minimum = try reader.number("minimum")
        node.maximum = try reader.number("maximum")
        if case .bool(let excludes)? = reader["exclusiveMinimum"] {
            node.excludesMinimum = excludes
        } else {
            node.exclusiveMinimum = try reader.number("exclusiveMinimum")
        }
        if case .bool(let excludes)? = reader["exclusiveMaximum"] {
            node.excludesMaximum = excludes
        } else {
            node.exclusiveMaximum = try reader.number("exclusiveMaximum")
        }
        node.divisor = try reader.number("multipleOf")
        if let divisor = node.divisor, divisor.isNegative || divisor.isZero {
            node.divisor = try reader.refuse("multipleOf", "it is above 0")
        }
        node.minLength = try reader.leastCount("minLength")
        node.maxLength = try reader.count("maxLength")
        node.pattern = try reader.string("pattern")
        if let pattern = node.pattern, !(try isUsable(pattern, reader, "pattern")) { node.pattern = nil }
        node.format = try reader.string("format")
    }

    /// Whether a pattern can be honoured, where it may be left out: that is found out before anything is made of it.
    private func isUsable(
        _ pattern: String, _ reader: KeywordReader, _ keyword: String
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
            let nothing: Never? = try reader.refuse(keyword, error.message, .unsupported)
            return nothing != nil
        }
    }

    private mutating func readMembers(_ reader: KeywordReader, _ node: SchemaNode) throws(SchemaError) {
        for (key, value) in try reader.object("properties") ?? [:] {
            let number = try self.number(reader, "properties", key, value)
            node.properties.append((key, number))
            node.propertyNumbers[key] = number
        }
        for (pattern, value) in try reader.object("patternProperties") ?? [:] {
            guard try isUsable(pattern, reader, "patternProperties") else {
                node.patternProperties = []
                break
            }
            node.patternProperties.append((pattern, try number(reader, "patternProperties", pattern, value)))
        }
        node.additionalProperties = try schema("additionalProperties", reader)
        node.propertyNames = try schema("propertyNames", reader)
        node.unevaluatedProperties = try schema("unevaluatedProperties", reader)
        node.required = try reader.strings("required") ?? []
        node.minProperties = try reader.leastCount("minProperties")
        node.maxProperties = try reader.count("maxProperties")
        node.dependentRequired = try requirements("dependentRequired", reader)
        for (key, value) in try reader.object("dependentSchemas") ?? [:] {
            node.dependentSchemas.append((key, try number(reader, "dependentSchemas", key, value)))
        }
        let mixed = try reader.object("dependencies") ?? [:]
        node.dependentRequired += try requirements("dependencies", reader)
        for (key, value) in mixed where value.arrayValue == nil && value.stringValue == nil {
            node.dependentSchemas.append((key, try number(reader, "dependencies", key, value)))
        }
    }

    /// The names that members ask for; in `dependencies` there are schemas beside them.
    private func requirements(
        _ keyword: String, _ reader: KeywordReader
    ) throws(SchemaError) -> [(key: String, required: [String])] {
        var found: [(key: String, required: [String])] = []
        for (key, value) in try reader.object(keyword) ?? [:] {
            if keyword == "dependencies" {
                if let other = value.stringValue { found.append((key, [other])) }
                guard value.arrayValue != nil else { continue }
            }
            guard let required = try reader.strings(value, keyword) else { return [] }
            found.append((key, required))
        }
        return found
    }

    private mutating func readItems(_ reader: KeywordReader, _ node: SchemaNode) throws(SchemaError) {
        for (index, value) in (try reader.array("prefixItems") ?? []).enumerated() {
            node.prefixItems.append(try number(reader, "prefixItems", String(index), value))
        }
        // Before 2020 `items` may be a list, and `additionalItems` speaks of what follows it.
        if case .array(let prefix)? = reader["items"] {
            for (index, value) in prefix.enumerated() {
                node.prefixItems.append(try number(reader, "items", String(index), value))
            }
            node.items = try schema("additionalItems", reader)
        } else {
            node.items = try schema("items", reader)
        }
        node.contains = try schema("contains", reader)
        node.minContains = try reader.count("minContains")
        node.maxContains = try reader.count("maxContains")
        node.minItems = try reader.leastCount("minItems")
        node.maxItems = try reader.count("maxItems")
        node.hasUniqueItems = try reader.boolean("uniqueItems") ?? false
        node.unevaluatedItems = try schema("unevaluatedItems", reader)
    }

    private mutating func readCombinations(_ reader: KeywordReader, _ node: SchemaNode) throws(SchemaError) {
        node.allOf = try schemas("allOf", reader)
        node.anyOf = try schemas("anyOf", reader)
        node.oneOf = try schemas("oneOf", reader)
        node.not = try schema("not", reader)
        node.condition = try schema("if", reader)
        if node.condition != nil {
            node.thenBranch = try schema("then", reader)
            node.elseBranch = try schema("else", reader)
        }
    }

    private mutating func readReference(_ reader: KeywordReader, _ node: SchemaNode) throws(SchemaError) {
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            guard let text = try reader.string(keyword) else { continue }
            let found: (pointer: String, value: JSONValue)
            do throws(SchemaError) {
                found = try resources.resolve(text, keyword, from: node.pointer)
                guard Self.isSchema(found.value) else { throw Self.noSchema(found.value, at: node.pointer, keyword) }
            } catch {
                try omissions.leaveOut(error)
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
        _ reader: KeywordReader, _ keyword: String, _ part: String, _ value: JSONValue
    ) throws(SchemaError) -> Int {
        let pointer = SchemaResources.pointer("\(reader.pointer)/\(keyword)", part)
        if Self.isSchema(value) { return try number(at: pointer, value) }
        try omissions.leaveOut(Self.noSchema(value, at: pointer, keyword))
        return try number(at: pointer, true)
    }

    private mutating func schema(_ keyword: String, _ reader: KeywordReader) throws(SchemaError) -> Int? {
        guard let value = reader[keyword] else { return nil }
        guard Self.isSchema(value) else {
            try omissions.leaveOut(Self.noSchema(value, at: reader.pointer, keyword))
            return nil
        }
        return try number(at: "\(reader.pointer)/\(keyword)", value)
    }

    private mutating func schemas(_ keyword: String, _ reader: KeywordReader) throws(SchemaError) -> [Int] {
        guard let values = try reader.filledArray(keyword, of: "schema") else { return [] }
        // One of several alternatives is not left out by itself, since that would make the others mean more.
        if keyword != "allOf", let value = values.first(where: { !Self.isSchema($0) }) {
            try omissions.leaveOut(Self.noSchema(value, at: reader.pointer, keyword))
            return []
        }
        var numbers: [Int] = []
        for (index, value) in values.enumerated() {
            numbers.append(try number(reader, keyword, String(index), value))
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
