import MartletJSON
import OrderedCollections

/// Finds what a reference means: pointers, anchors and identifiers within one document.
struct SchemaResources {
    /// Whether other keywords beside `$ref` mean nothing, as before the draft of 2019.
    let referenceHidesSiblings: Bool
    private let root: JSONValue
    private let usesShortIdentifiers: Bool
    /// Where each identified schema is, by its absolute identifier without fragment.
    private var identified: [String: [String]] = [:]
    private var bases: [[String]: String] = [:]
    /// Where each anchor is: by identifier, `#` and name.
    private var anchors: [String: [String]] = [:]
    private var dynamicAnchors: [String: [[String]]] = [:]
    private var recursiveAnchors = 0

    init(_ root: JSONValue, depthLimit: Int) throws(SchemaError) {
        self.root = root
        let draft = root["$schema"]?.stringValue ?? ""
        let isOld = ["draft-03", "draft-04", "draft-05", "draft-06", "draft-07"].contains { draft.contains($0) }
        referenceHidesSiblings = isOld
        usesShortIdentifiers = draft.contains("draft-04") || draft.contains("draft-03")
        bases[[]] = ""
        identified[""] = []
        try scan(root, place: [], base: "", isMap: false, depthLimit: depthLimit)
    }

    static func pointer(_ place: [String]) -> String {
        var pointer = "#"
        for part in place {
            pointer += "/"
            for character in part.unicodeScalars {
                switch character {
                case "~": pointer += "~0"
                case "/": pointer += "~1"
                default: pointer.unicodeScalars.append(character)
                }
            }
        }
        return pointer
    }

    private mutating func scan(
        _ value: JSONValue, place: [String], base: String, isMap: Bool, depthLimit: Int
    ) throws(SchemaError) {
        guard place.count <= depthLimit else {
            throw SchemaError(
                .limit, pointer: "#", keyword: "", "values are nested more than \(depthLimit) deep")
        }
        switch value {
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                try scan(element, place: place + [String(index)], base: base, isMap: false, depthLimit: depthLimit)
            }
        case .object(let members):
            var base = base
            // Where names are chosen freely, they are no keywords.
            if !isMap { register(members, place: place, base: &base) }
            for (key, member) in members where isMap || !Self.data.contains(key) {
                try scan(
                    member, place: place + [key], base: base, isMap: !isMap && Self.maps.contains(key),
                    depthLimit: depthLimit)
            }
        default: break
        }
    }

    private static let data: Set = ["enum", "const", "default", "examples", "example"]
    private static let maps: Set = [
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
        "dependentRequired",
    ]

    private mutating func register(_ members: JSONObject, place: [String], base: inout String) {
        let identifier = members["$id"] ?? (usesShortIdentifiers ? members["id"] : nil)
        if let identifier = identifier?.stringValue, !(referenceHidesSiblings && members["$ref"] != nil) {
            if identifier.hasPrefix("#") {
                anchors[base + identifier] = place
            } else {
                base = URIReference.resolve(identifier, base: base).resource
                bases[place] = base
                if identified[base] == nil { identified[base] = place }
            }
        }
        if let anchor = members["$anchor"]?.stringValue { anchors["\(base)#\(anchor)"] = place }
        if let anchor = members["$dynamicAnchor"]?.stringValue {
            anchors["\(base)#\(anchor)"] = place
            dynamicAnchors[anchor, default: []].append(place)
        }
        if members["$recursiveAnchor"]?.boolValue == true { recursiveAnchors += 1 }
    }

    private func base(of place: [String]) -> String {
        var place = place
        while true {
            if let base = bases[place] { return base }
            place.removeLast()
        }
    }

    func resolve(
        _ text: String, _ keyword: String, from place: [String]
    ) throws(SchemaError) -> ([String], JSONValue) {
        let pointer = Self.pointer(place)
        if keyword == "$recursiveRef", recursiveAnchors > 1 {
            throw SchemaError(.unsupported, pointer: pointer, keyword: keyword, "its target depends on the way to it")
        }
        if keyword == "$dynamicRef", let hash = text.lastIndex(of: "#") {
            let anchor = String(text[text.index(after: hash)...])
            if dynamicAnchors[anchor, default: []].count > 1 {
                throw SchemaError(
                    .unsupported, pointer: pointer, keyword: keyword, "its target depends on the way to it")
            }
        }
        let (resource, fragment) = URIReference.resolve(text, base: base(of: place))
        guard let start = identified[resource] else {
            throw SchemaError(
                .unsupported, pointer: pointer, keyword: keyword,
                "it refers to another document, '\(text.prefix(200))'")
        }
        var target = start
        if fragment.hasPrefix("/") {
            target += fragment.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(Self.unescaped)
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

    private static func unescaped(_ part: Substring) -> String {
        URIReference.decoded(part).replacing("~1", with: "/").replacing("~0", with: "~")
    }

    private func value(at place: [String]) -> JSONValue? {
        var value = root
        for part in place {
            switch value {
            case .object(let members):
                guard let member = members[part] else { return nil }
                value = member
            case .array(let elements):
                guard let index = Int(part), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}
