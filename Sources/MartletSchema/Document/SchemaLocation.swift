package import MartletJSON
import MartletText

/// What can be told of a value from its place in a document and the document's schema, without a look at other values.
///
/// Where strings stand without quotes, their reader tells by this what a text is, and their grammar what a string must
/// not look like. What is told is never too little: a value that fulfils the schema is of one of `types`.
package struct SchemaLocation: Hashable, Sendable {
    /// Schemas that are looked at for one answer. Beyond that anything is possible.
    private static let maximumVisits = 256

    private let root: JSONValue
    /// The schema that holds here; `nil` = none is known.
    private let schema: JSONValue?
    /// The pointer by which `schema` was reached.
    private let pointer: String

    package static let unknown = SchemaLocation(root: .null, schema: nil, pointer: "")

    /// The place of the whole document.
    package init(root: JSONValue) { self.init(root: root, schema: root, pointer: SchemaResources.rootPointer) }

    private init(root: JSONValue, schema: JSONValue?, pointer: String) {
        self.root = root
        self.schema = schema
        self.pointer = schema == nil ? "" : pointer
    }

    /// Places of one document.
    package static func == (left: SchemaLocation, right: SchemaLocation) -> Bool {
        left.pointer.hasSameBytes(as: right.pointer)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(ExactString(pointer)) }

    /// The types that a value may be of here.
    package var types: JSONTypes { schema.map { types(of: $0) } ?? .all }

    /// The place of the member `key`, if the value is an object.
    package func member(_ key: String) -> SchemaLocation { member(named: key) }

    /// The place of each member that no schema names, if the value is an object.
    package var otherMember: SchemaLocation { member(named: nil) }

    private func member(named key: String?) -> SchemaLocation {
        found { schema, pointer in
            if let key, let member = schema["properties"]?.objectValue?[key] {
                return (member, SchemaResources.pointer(pointer + "/properties", key))
            }
            guard schema["patternProperties"] == nil, let others = schema["additionalProperties"],
                others.objectValue != nil
            else { return nil }
            return (others, pointer + "/additionalProperties")
        }
    }

    /// The place of each item, if the value is an array; those of a prefix are not told apart.
    package var item: SchemaLocation {
        found { schema, pointer in
            guard schema["prefixItems"] == nil, let items = schema["items"], items.objectValue != nil else {
                return nil
            }
            return (items, pointer + "/items")
        }
    }

    private typealias Found = (schema: JSONValue, pointer: String)

    /// The first answer among the schemas that hold for the value.
    private func found(_ look: (JSONValue, String) -> Found?) -> SchemaLocation {
        var pending: [(schema: JSONValue, pointer: String)] = schema.map { [($0, pointer)] } ?? []
        var position = 0
        while position < pending.count, position < Self.maximumVisits {
            let (schema, pointer) = pending[position]
            position += 1
            if let reference = schema["$ref"]?.stringValue {
                if let target = target(of: reference) { pending.append((target, reference)) }
                if hidesSiblings { continue }
            }
            if let (schema, pointer) = look(schema, pointer) {
                return SchemaLocation(root: root, schema: schema, pointer: pointer)
            }
            for (index, schema) in (schema["allOf"]?.arrayValue ?? []).enumerated() {
                pending.append((schema, "\(pointer)/allOf/\(index)"))
            }
            // Of alternatives, the only one that is no single value.
            for keyword in ["anyOf", "oneOf"] {
                let alternatives = (schema[keyword]?.arrayValue ?? []).enumerated().filter {
                    !types(of: $0.element).isDisjoint(with: [.array, .object])
                }
                if alternatives.count == 1 {
                    pending.append((alternatives[0].element, "\(pointer)/\(keyword)/\(alternatives[0].offset)"))
                }
            }
        }
        return .unknown
    }

    private var hidesSiblings: Bool { SchemaResources.referenceHidesSiblings(in: root) }

    private func types(of schema: JSONValue) -> JSONTypes {
        var visits = 0
        return types(of: schema, hidesSiblings, &visits)
    }

    /// - Complexity: the stack grows with the visits.
    private func types(of schema: JSONValue, _ hidesSiblings: Bool, _ visits: inout Int) -> JSONTypes {
        visits += 1
        guard visits <= Self.maximumVisits, case .object(let members) = schema else { return .all }
        var types = JSONTypes.all
        if let reference = members["$ref"]?.stringValue {
            if let target = target(of: reference) {
                types.formIntersection(self.types(of: target, hidesSiblings, &visits))
            }
            if hidesSiblings { return types }
        }
        switch members["type"] {
        case .string(let name)?: types.formIntersection(JSONTypes(name: name) ?? .all)
        case .array(let names)?:
            types.formIntersection(
                names.reduce(into: []) { $0.formUnion(JSONTypes(name: $1.stringValue ?? "") ?? .all) })
        default: break
        }
        if let value = members["const"] { types.formIntersection(JSONTypes(of: value)) }
        if case .array(let values)? = members["enum"] {
            types.formIntersection(values.reduce(into: []) { $0.formUnion(JSONTypes(of: $1)) })
        }
        for keyword in ["anyOf", "oneOf"] {
            guard case .array(let schemas)? = members[keyword] else { continue }
            var union: JSONTypes = []
            for schema in schemas { union.formUnion(self.types(of: schema, hidesSiblings, &visits)) }
            types.formIntersection(union)
        }
        if case .array(let schemas)? = members["allOf"] {
            for schema in schemas { types.formIntersection(self.types(of: schema, hidesSiblings, &visits)) }
        }
        return types
    }

    /// What a reference within the document names.
    private func target(of reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var value = root
        for part in reference.dropFirst().split(separator: "/") {
            guard let next = value[SchemaResources.unescaped(URIReference.decoded(part))] else { return nil }
            value = next
        }
        return value
    }
}
