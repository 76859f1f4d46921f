package import MartletJSON
import MartletText

/// A location in a document, with what the schema says about the types of the value there.
///
/// Chat formats that write strings without quotes decide by the location whether `5` is a string or a number. The
/// output parser and the grammar ask the same location, so that the client receives what the grammar meant. The grammar
/// excludes strings that the parser would read as another type.
///
/// The types are an upper bound: a value that fulfils the schema has one of `types`. Only the schema is consulted,
/// never other values of the document, as the parser works on a stream.
package struct SchemaLocation: Hashable, Sendable {
    /// The number of schemas that one question visits. Beyond it the location is unknown, and every type possible.
    private static let maximumVisits = 256

    /// The schema of the whole document; references lead from here.
    private let root: JSONValue
    /// The schema that applies here; `nil` if none is known.
    private let schema: JSONValue?
    /// The pointer by which `schema` was reached; the identity of the location.
    private let pointer: String

    /// A location about which the schema says nothing.
    package static let unknown = SchemaLocation(root: .null, schema: nil, pointer: "")

    /// The location of the whole document.
    package init(root: JSONValue) { self.init(root: root, schema: root, pointer: SchemaResources.rootPointer) }

    private init(root: JSONValue, schema: JSONValue?, pointer: String) {
        self.root = root
        self.schema = schema
        self.pointer = schema == nil ? "" : pointer
    }

    /// Compares locations of one document by their pointers.
    package static func == (left: SchemaLocation, right: SchemaLocation) -> Bool {
        left.pointer.hasSameBytes(as: right.pointer)
    }

    /// Hashes the bytes of the pointer.
    package func hash(into hasher: inout Hasher) { hasher.combine(ExactString(pointer)) }

    /// The types that a value may have here.
    package var types: JSONTypes { schema.map { types(of: $0) } ?? .all }

    /// The location of the member `key`, if the value is an object.
    package func member(_ key: String) -> SchemaLocation { member(named: key) }

    /// The location of the members that no schema names, if the value is an object.
    package var otherMember: SchemaLocation { member(named: nil) }

    /// The location of a member; `nil` as its name stands for a name that is not in `properties`.
    ///
    /// With `patternProperties` the location is unknown, as several patterns may match one name.
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

    /// The location of each item, if the value is an array. With `prefixItems` it is unknown, as items then differ.
    package var item: SchemaLocation {
        found { schema, pointer in
            guard schema["prefixItems"] == nil, let items = schema["items"], items.objectValue != nil else {
                return nil
            }
            return (items, pointer + "/items")
        }
    }

    private typealias Found = (schema: JSONValue, pointer: String)

    /// The first result of `look` among the schemas that apply to the value: the schema itself, then targets of `$ref`,
    /// branches of `allOf`, and the alternative of `anyOf` or `oneOf` that can have parts, if there is only one.
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
            // An alternative that is `null` or a string has no members; a single other one is then the schema of
            // the object.
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

    /// Whether `$ref` makes its sibling keywords meaningless, as before draft 2019-09.
    private var hidesSiblings: Bool { SchemaResources.referenceHidesSiblings(in: root) }

    /// The types that a schema admits.
    private func types(of schema: JSONValue) -> JSONTypes {
        var visits = 0
        return types(of: schema, hidesSiblings, &visits)
    }

    /// The types that a schema admits: the intersection of its keywords, unions over alternatives.
    ///
    /// - Complexity: bounded by `maximumVisits`, which also bounds the recursion.
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

    /// The schema that a reference `#/…` names; `nil` for other references.
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
