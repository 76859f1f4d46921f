import MartletJSON
import OrderedCollections

extension Interpreter {
    /// Deepest nesting of what comes with a request; leaves a template room to walk over it.
    private static let maximumImportDepth = 100

    /// Makes what came with a request a value of the template; all of it is untrusted.
    func importValue(_ json: JSONValue, depth: Int = 0) throws(TemplateError) -> TemplateValue {
        try spend()
        if depth > Self.maximumImportDepth {
            throw TemplateError(
                .input, "messages, tools or arguments are nested more than \(Self.maximumImportDepth) deep", line: 0)
        }
        switch json {
        case .null: return .none
        case .bool(let value): return .boolean(value)
        case .integer(let value): return .integer(Int(value), isTrusted: false)
        case .largeInteger(let digits): return .largeInteger(digits)
        case .number(let value): return .float(value)
        case .string(let value): return .text(value, isTrusted: false)
        case .array(let items): return try importList(items, depth: depth + 1)
        case .object(let members): return try importObject(members, depth: depth + 1)
        }
    }

    func importList(_ items: [JSONValue], depth: Int = 0) throws(TemplateError) -> TemplateValue {
        var values: [TemplateValue] = []
        values.reserveCapacity(items.count)
        for item in items { values.append(try importValue(item, depth: depth)) }
        return try makeList(values)
    }

    private func importObject(_ members: JSONObject, depth: Int) throws(TemplateError) -> TemplateValue {
        let object = DictionaryObject()
        object.members.reserveCapacity(members.count)
        for (key, value) in members {
            object.members[.text(ProvenanceText(key, isTrusted: false))] = try importValue(value, depth: depth)
        }
        return try makeDictionary(object)
    }

    /// `from_json`: what a text of JSON says.
    func parseJSON(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        guard case .text(let text) = value else {
            throw failure("TypeError: from_json expects a string, not \(value.typeName)")
        }
        try spend(bytes: 4 * text.byteCount)
        let json: JSONValue
        do {
            json = try JSONParser.parse(Array(text.string.utf8))
        } catch {
            throw failure("from_json: \(error.message)")
        }
        return try importValue(json)
    }
}
