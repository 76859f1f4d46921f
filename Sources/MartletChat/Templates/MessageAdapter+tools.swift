import MartletJSON
import OrderedCollections

/// Tools in the form that a template accepts.
extension MessageAdapter {
    /// Keywords of JSON Schema whose values are data, so that a `type` within them is no type.
    private static let dataKeywords: Set<String> = ["const", "default", "enum", "examples"]

    /// A tool in the form that the template accepts. `{"type": ["string", "null"]}` becomes `{"type": "string"}` if it
    /// must.
    ///
    /// Only the prompt changes. The grammar and the output parser use the tool as the client sent it.
    func adapted(tool: JSONValue) -> JSONValue {
        let tool = capabilities.acceptsNullTypes ? tool : withoutNullTypes(tool)
        guard !capabilities.acceptsMissingDescriptions, case .object(var members) = tool,
            case .object(var function)? = members["function"]
        else { return tool }
        if let parameters = function["parameters"] { function["parameters"] = describingProperties(of: parameters) }
        members["function"] = described(.object(function))
        return .object(members)
    }

    /// The object with a description, an empty one if it has none.
    private func described(_ json: JSONValue) -> JSONValue {
        guard case .object(var members) = json else { return json }
        if members["description"]?.stringValue == nil { members["description"] = "" }
        return .object(members)
    }

    /// The schema with a description for each property, at any depth.
    private func describingProperties(of schema: JSONValue) -> JSONValue {
        switch schema {
        case .array(let items): return .array(items.map(describingProperties))
        case .object(let members):
            var result: JSONObject = [:]
            for (name, value) in members {
                if Self.dataKeywords.contains(name) {
                    result[name] = value
                } else if name == "properties", case .object(let properties) = value {
                    var described: JSONObject = [:]
                    for (name, property) in properties {
                        described[name] = self.described(describingProperties(of: property))
                    }
                    result[name] = .object(described)
                } else {
                    result[name] = describingProperties(of: value)
                }
            }
            return .object(result)
        default: return schema
        }
    }

    /// The schema without the type `null`. Some templates print types by recursion and never end for a list of types.
    private func withoutNullTypes(_ json: JSONValue) -> JSONValue {
        switch json {
        case .array(let items): return .array(items.map(withoutNullTypes))
        case .object(let members):
            var result: JSONObject = [:]
            for (name, value) in members {
                if Self.dataKeywords.contains(name) {
                    result[name] = value
                } else if name == "type", let types = value.arrayValue ?? value.stringValue.map({ [.string($0)] }) {
                    let others = types.filter { $0 != "null" }
                    if !others.isEmpty { result[name] = others.count == 1 ? others[0] : .array(others) }
                } else {
                    result[name] = withoutNullTypes(value)
                }
            }
            return .object(result)
        default: return json
        }
    }
}
