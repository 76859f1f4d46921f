import MartletJSON
import MartletText

/// Finds what a reference means: pointers, anchors and identifiers within one document.
struct SchemaResources {
    /// Whether other keywords beside `$ref` mean nothing, as before the draft of 2019.
    let referenceHidesSiblings: Bool
    private let root: JSONValue
    private let usesShortIdentifiers: Bool
    /// The pointer of each identified schema, by its absolute identifier without fragment.
    private var identified: [ExactString: String] = ["": Self.rootPointer]
    /// What references are relative to, by the pointers of the schemas that say so.
    private var bases: [ExactString: String] = [ExactString(Self.rootPointer): ""]
    /// The pointer of each anchor, by identifier, `#` and name.
    private var anchors: [ExactString: String] = [:]
    /// How many schemas have each anchor.
    private var dynamicAnchors: [ExactString: Int] = [:]
    private var recursiveAnchors = 0

    /// Pointers are URI fragments with their `#`.
    static let rootPointer = "#"

    init(_ root: JSONValue, depthLimit: Int) throws(SchemaError) {
        self.root = root
        let draft = root["$schema"]?.stringValue ?? ""
        referenceHidesSiblings = Self.referenceHidesSiblings(in: root)
        usesShortIdentifiers = draft.contains("draft-04") || draft.contains("draft-03")
        var path: [String] = []
        try scan(root, &path, base: "", isMap: false, depthLimit: depthLimit)
    }

    static func referenceHidesSiblings(in root: JSONValue) -> Bool {
        guard let draft = root["$schema"]?.stringValue else { return false }
        return ["draft-03", "draft-04", "draft-05", "draft-06", "draft-07"].contains { draft.contains($0) }
    }

    /// The pointer of what is `part` in what has the pointer `parent`.
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

    /// - Parameter way: from the root to `value`; as it was when this returns.
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
            // Where names are chosen freely, they are no keywords.
            if !isMap { register(members, path, base: &base) }
            for (key, member) in members where isMap || !Self.data.contains(key) {
                path.append(key)
                try scan(member, &path, base: base, isMap: !isMap && Self.maps.contains(key), depthLimit: depthLimit)
                path.removeLast()
            }
        default: break
        }
    }

    private static let data: Set = ["enum", "const", "default", "examples", "example"]
    static let maps: Set = [
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
        "dependentRequired",
    ]

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

    private func base(of pointer: String) -> String {
        var rest = pointer[...]
        while true {
            if let base = bases[String(rest)] { return base }
            guard let slash = rest.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
            rest = rest[..<slash]
        }
    }

    /// The schema that `text` refers to in the schema at `pointer`, and the pointer of it.
    func resolve(
        _ text: String, _ keyword: String, from pointer: String
    ) throws(SchemaError) -> (pointer: String, value: JSONValue) {
        if keyword == "$recursiveRef", recursiveAnchors > 1 {
            throw SchemaError(.unsupported, pointer: pointer, keyword: keyword, "its target depends on the way to it")
        }
        if keyword == "$dynamicRef", let hash = text.lastIndex(of: "#") {
            let anchor = String(text[text.index(after: hash)...])
            if dynamicAnchors[anchor, default: 0] > 1 {
                throw SchemaError(
                    .unsupported, pointer: pointer, keyword: keyword, "its target depends on the way to it")
            }
        }
        let (resource, fragment) = URIReference.resolve(text, base: base(of: pointer))
        guard let start = identified[resource] else {
            throw SchemaError(
                .unsupported, pointer: pointer, keyword: keyword,
                "it refers to another document, '\(text.prefix(200))'")
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
                    .invalid, pointer: pointer, keyword: keyword, "there is no anchor '\(fragment.prefix(200))'")
            }
            target = anchor
        }
        guard let value = value(at: target) else {
            throw SchemaError(.invalid, pointer: pointer, keyword: keyword, "there is no '\(text.prefix(200))'")
        }
        return (target, value)
    }

    /// What a part of a pointer names.
    static func unescaped(_ part: String) -> String {
        guard part.utf8.contains(UInt8(ascii: "~")) else { return part }
        return part.replacing("~1", with: "/").replacing("~0", with: "~")
    }

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
