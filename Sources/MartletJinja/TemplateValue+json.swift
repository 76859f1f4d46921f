import MartletJSON
import OrderedCollections

extension Interpreter {
    /// Deepest nesting of data from a request. It leaves a template enough depth to walk over the data.
    private static let maximumImportDepth = 100

    /// Converts JSON of a request to a value of the template. All text and integers of it are untrusted.
    /// - Throws: `input` for a nesting beyond 100; `budget`.
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

    /// Converts a JSON array.
    func importList(_ items: [JSONValue], depth: Int = 0) throws(TemplateError) -> TemplateValue {
        var values: [TemplateValue] = []
        values.reserveCapacity(items.count)
        for item in items { values.append(try importValue(item, depth: depth)) }
        return try makeList(values)
    }

    /// Converts a JSON object. Members stay in the order of the client, and keys are untrusted.
    private func importObject(_ members: JSONObject, depth: Int) throws(TemplateError) -> TemplateValue {
        let object = DictionaryObject()
        object.members.reserveCapacity(members.count)
        for (key, value) in members {
            object.members[.text(ProvenanceText(key, isTrusted: false))] = try importValue(value, depth: depth)
        }
        return try makeDictionary(object)
    }

    /// `text | from_json`: the value of a JSON text. All of it is untrusted, also if the template wrote the text.
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
