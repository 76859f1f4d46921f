import MartletJSON
import OrderedCollections

extension SettingHelp {
    /// The table for programs: an array with an object per setting, in the order of the table.
    static func json() -> JSONValue { .array(SettingTable.all.map { .object(members($0)) }) }

    /// The members of a setting. Members without a value are left out.
    private static func members(_ setting: Setting) -> JSONObject {
        var members: JSONObject = [
            "name": .string(setting.key.rawValue), "flags": texts(setting.names),
            "environment": texts(setting.environmentNames), "section": .string(setting.section.rawValue),
            "worker": .bool(setting.scope != .edge), "help": .string(setting.help),
        ]
        if !setting.negativeNames.isEmpty { members["negative_flags"] = texts(setting.negativeNames) }
        if let text = setting.defaultText { members["default"] = .string(text) }
        if let meaning = setting.unsetMeaning { members["default_meaning"] = .string(meaning) }
        switch setting.kind {
        case .toggle: members["type"] = "toggle"
        case .text, .anyText: members["type"] = "text"
        case .onOffAuto:
            members["type"] = "choice"
            members["choices"] = ["on", "off", "auto"]
        case .list: members["type"] = "list"
        case .texts: members["type"] = "texts"
        case .object: members["type"] = "object"
        case .choice(let words):
            members["type"] = "choice"
            members["choices"] = texts(words)
        case .integer(let range):
            members["type"] = "integer"
            (members["minimum"], members["maximum"]) = (.integer(range.lowerBound), .integer(range.upperBound))
        case .integerOrWord(let range, let words):
            members["type"] = "integer"
            (members["minimum"], members["maximum"]) = (.integer(range.lowerBound), .integer(range.upperBound))
            members["choices"] = texts(words.keys.sorted())
        case .bounds(let range):
            members["type"] = "bounds"
            (members["minimum"], members["maximum"]) = (.integer(range.lowerBound), .integer(range.upperBound))
        case .number(let range):
            members["type"] = "number"
            (members["minimum"], members["maximum"]) = (.number(range.lowerBound), .number(range.upperBound))
        }
        return members
    }

    /// An array of strings.
    private static func texts(_ words: [String]) -> JSONValue { .array(words.map { .string($0) }) }
}
