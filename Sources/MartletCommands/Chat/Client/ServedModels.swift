import MartletJSON
import MartletText

/// The models in a response of `GET /v1/models`, of Martlet and of other servers. Pure.
///
/// Example: `{"data":[{"id":"qwen3-0.6b","aliases":["small"]}]}` has one model, which `small` names, too.
enum ServedModels {
    /// All models, each with the largest number of tokens of prompt and output together, if it is known. Loaded models
    /// come first, failed ones last.
    static func all(in list: JSONValue) -> [(name: String, contextLength: Int?)] {
        let entries = list["data"]?.arrayValue ?? []
        func rank(_ entry: JSONValue) -> Int {
            switch entry["status"]?["phase"]?.stringValue {
            case nil, "ready": 0
            case "failed", "absent": 2
            default: 1
            }
        }
        return (0...2).flatMap { wanted in entries.filter { rank($0) == wanted } }.compactMap { entry in
            guard let name = entry["id"]?.stringValue else { return nil }
            let length = entry["context_length"] ?? entry["meta"]?["n_ctx"]
            return (name, length?.integerValue.flatMap { Int(exactly: $0) })
        }
    }

    /// The name of the model that a name or an alias means; a name counts more than an alias of another model.
    static func name(of wanted: String, in list: JSONValue) -> String? {
        let names = all(in: list).map(\.name)
        if let name = names.first(where: { $0.hasSameBytes(as: wanted) }) { return name }
        let entry = list["data"]?.arrayValue?.first { entry in
            (entry["aliases"]?.arrayValue ?? []).contains { $0.stringValue?.hasSameBytes(as: wanted) == true }
        }
        return entry?["id"]?.stringValue
    }

    /// The error for a name that the server does not have, with the nearest name or the first ones.
    static func problem(_ wanted: String, in list: JSONValue) -> String {
        let names = all(in: list).map(\.name)
        let advice: String
        if let nearest = NearestWord.find(wanted, among: names) {
            advice = "did you mean '\(nearest.printable)'?"
        } else if names.isEmpty {
            advice = "it lists none"
        } else {
            let more = names.count > 5 ? " and \(names.count - 5) more" : ""
            advice = "it has \(names.prefix(5).map(\.printable).joined(separator: ", "))\(more)"
        }
        return "the server has no model '\(wanted.printable)'; \(advice)"
    }
}
