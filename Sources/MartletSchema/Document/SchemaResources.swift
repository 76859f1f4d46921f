import MartletJSON
import MartletText

/// Resolves references within one document: JSON pointers, anchors and identifiers (core, section 8.2).
///
/// Documents are never fetched: a reference to another document is unsupported.
struct SchemaResources {
    /// Whether keywords beside `$ref` are ignored, as before draft 2019-09.
    let referenceHidesSiblings: Bool
    private let root: JSONValue
    /// Whether the identifier is spelled `id`, as in drafts 3 and 4.
    private let usesShortIdentifiers: Bool
    /// The pointer of each schema with an identifier, by its absolute URI without fragment. The root has the URI
    /// "".
    private var identified: [ExactString: String] = ["": Self.rootPointer]
    /// The base URI that each identified schema sets, by the schema's pointer.
    private var bases: [ExactString: String] = [ExactString(Self.rootPointer): ""]
    /// The pointer of each anchor, by base URI, `#` and name.
    private var anchors: [ExactString: String] = [:]
    /// The number of schemas that have each dynamic anchor. With more than one, the target depends on the path of
    /// evaluation.
    private var dynamicAnchors: [ExactString: Int] = [:]
    private var recursiveAnchors = 0

    /// The pointer of the root. All pointers are URI fragments with their `#`.
    static let rootPointer = "#"

    /// Collects the identifiers and anchors of a document.
    ///
    /// - Throws: an error of kind `limit` for values that are nested deeper than `depthLimit`.
    init(_ root: JSONValue, depthLimit: Int) throws(SchemaError) {
        self.root = root
        let draft = root["$schema"]?.stringValue ?? ""
        referenceHidesSiblings = Self.referenceHidesSiblings(in: root)
        usesShortIdentifiers = draft.contains("draft-04") || draft.contains("draft-03")
        var path: [String] = []
        try scan(root, &path, base: "", isMap: false, depthLimit: depthLimit)
    }

    /// Whether `$schema` names a draft in which `$ref` hides its siblings (drafts 3 to 7).
    static func referenceHidesSiblings(in root: JSONValue) -> Bool {
        guard let draft = root["$schema"]?.stringValue else { return false }
        return ["draft-03", "draft-04", "draft-05", "draft-06", "draft-07"].contains { draft.contains($0) }
    }

    /// The pointer of a part of the value at `parent`; `~` and `/` are escaped (RFC 6901, section 3).
    static func pointer(_ parent: String, _ part: String) -> String {
        var pointer = parent
        pointer += "/"
        if part.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) {
            for scalar in part.unicodeScalars {
                switch scalar {
                case "~": pointer += "~0"
                case "/": pointer += "~1"
                default: pointer.unicodeScalars.append(scalar)
                }
            }
        } else {
            pointer += part
        }
        return pointer
    }

    /// Visits all values of the document that can be schemas.
    ///
    /// - Parameters:
    ///   - path: the names from the root to `value`; unchanged when the function returns.
    ///   - isMap: whether the members of `value` have free names, as in `properties`.
    /// - Complexity: linear in the document; the recursion is as deep as `depthLimit`.
    private mutating func scan(
        _ value: JSONValue, _ path: inout [String], base: String, isMap: Bool, depthLimit: Int
    ) throws(SchemaError) {
        guard path.count <= depthLimit else {
            throw SchemaError(
                .limit, pointer: "#", keyword: "", "values are nested more than \(depthLimit) deep")
        }
        switch value {
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                path.append(String(index))
                try scan(element, &path, base: base, isMap: false, depthLimit: depthLimit)
                path.removeLast()
            }
        case .object(let members):
            var base = base
            // In a map of schemas, `$id` is a name that an author chose, and no keyword.
            if !isMap { register(members, path, base: &base) }
            for (key, member) in members where isMap || !Self.data.contains(key) {
                path.append(key)
                try scan(member, &path, base: base, isMap: !isMap && Self.maps.contains(key), depthLimit: depthLimit)
                path.removeLast()
            }
        default: break
        }
    }

    /// Keywords whose values are data, in which nothing is a schema.
    private static let data: Set = ["enum", "const", "default", "examples", "example"]
    /// Keywords whose values map free names to schemas.
    static let maps: Set = [
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
        "dependentRequired",
    ]

    /// Records the identifier and anchors of one schema, and sets the base URI for the schemas inside.
    private mutating func register(_ members: JSONObject, _ path: [String], base: inout String) {
        var pointer: String { path.reduce(Self.rootPointer, Self.pointer) }
        let identifier = members["$id"] ?? (usesShortIdentifiers ? members["id"] : nil)
        if let identifier = identifier?.stringValue, !(referenceHidesSiblings && members["$ref"] != nil) {
            if identifier.hasPrefix("#") {
                anchors[base + identifier] = pointer
            } else {
                base = URIReference.resolve(identifier, base: base).resource
                bases[pointer] = base
                if identified[base] == nil { identified[base] = pointer }
            }
        }
        if let anchor = members["$anchor"]?.stringValue { anchors["\(base)#\(anchor)"] = pointer }
        if let anchor = members["$dynamicAnchor"]?.stringValue {
            anchors["\(base)#\(anchor)"] = pointer
            dynamicAnchors[anchor, default: 0] += 1
        }
        if members["$recursiveAnchor"]?.boolValue == true { recursiveAnchors += 1 }
    }

    /// The base URI that applies to the schema at a pointer: that of the nearest schema around it that sets one.
    private func base(of pointer: String) -> String {
        var rest = pointer[...]
        while true {
            if let base = bases[String(rest)] { return base }
            guard let slash = rest.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
            rest = rest[..<slash]
        }
    }

    /// The schema that a reference names, with its pointer.
    ///
    /// - Parameters:
    ///   - text: the URI reference, e.g. `#/$defs/item`, `#anchor`, `item.json#`.
    ///   - keyword: the keyword that has it, for errors.
    ///   - pointer: the schema that has the keyword.
    /// - Throws: `unsupported` for another document or an ambiguous dynamic reference, `invalid` for a missing
    ///   target.
    func resolve(
        _ text: String, _ keyword: String, from pointer: String
    ) throws(SchemaError) -> (pointer: String, value: JSONValue) {
        if keyword == "$recursiveRef", recursiveAnchors > 1 {
            throw SchemaError(
                .unsupported, pointer: pointer, keyword: keyword, "its target depends on the path of evaluation")
        }
        if keyword == "$dynamicRef", let hash = text.lastIndex(of: "#") {
            let anchor = String(text[text.index(after: hash)...])
            if dynamicAnchors[anchor, default: 0] > 1 {
                throw SchemaError(
                    .unsupported, pointer: pointer, keyword: keyword, "its target depends on the path of evaluation")
            }
        }
        let (resource, fragment) = URIReference.resolve(text, base: base(of: pointer))
        guard let start = identified[resource] else {
            throw SchemaError(
                .unsupported, pointer: pointer, keyword: keyword,
                "it refers to another document, '\(text.excerpt(bytes: 200))'")
        }
        var target = start
        if fragment.utf8.first == UInt8(ascii: "/") {
            for part in fragment.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            {
                target = Self.pointer(target, Self.unescaped(URIReference.decoded(Substring(part))))
            }
        } else if !fragment.isEmpty {
            guard let anchor = anchors["\(resource)#\(fragment)"] else {
                throw SchemaError(
                    .invalid, pointer: pointer, keyword: keyword, "there is no anchor '\(fragment.excerpt(bytes: 200))'"
                )
            }
            target = anchor
        }
        guard let value = value(at: target) else {
            throw SchemaError(.invalid, pointer: pointer, keyword: keyword, "there is no '\(text.excerpt(bytes: 200))'")
        }
        return (target, value)
    }

    /// A part of a pointer without its escapes: `~1` is `/`, `~0` is `~`.
    static func unescaped(_ part: String) -> String {
        guard part.utf8.contains(UInt8(ascii: "~")) else { return part }
        return part.replacing("~1", with: "/").replacing("~0", with: "~")
    }

    /// The value at a pointer; `nil` if there is none.
    private func value(at pointer: String) -> JSONValue? {
        var value = root
        for part in pointer.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst() {
            let name = Self.unescaped(String(Substring(part)))
            switch value {
            case .object(let members):
                guard let member = members[name] else { return nil }
                value = member
            case .array(let elements):
                guard let index = Int(name), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}
