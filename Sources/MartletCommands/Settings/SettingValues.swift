import MartletJSON

/// The values of all settings, with the source of each value.
///
/// Values are within the ranges of the table. Reading a setting as a wrong type gives `nil`.
struct SettingValues: Sendable {
    /// A checked value.
    enum Value: Sendable, Equatable {
        case toggle(Bool)
        case text(String)
        case integer(Int64)
        case number(Double)
        case bounds(ClosedRange<Int64>)
        case list([String])
        case object(JSONValue)
    }

    /// The source of a value. A later case overrides an earlier one.
    enum Source: Int, Sendable, Comparable {
        case `default`
        case file
        case environment
        case flag

        static func < (left: Source, right: Source) -> Bool { left.rawValue < right.rawValue }
    }

    /// A value with its texts, which the edge passes on to the worker.
    struct Choice: Sendable {
        var value: Value
        var texts: [String]
        var source: Source

        var isDefault: Bool { source == .default }
    }

    private(set) var choices: [FlagKey: Choice] = [:]
    /// Log lines about flags without effect.
    var notices: [String] = []
    /// The values of all flags `--model`, in their order. The setting itself has the last one.
    var modelPaths: [String] = []
    /// Whether the file of `--config` has sections of models.
    var hasModelSections = false
    /// The file of presets of a repository (`--hf-repo`); `nil` = none was downloaded.
    var remotePresetPath: String?

    /// Sets a value. Called by the parser.
    mutating func set(_ setting: Setting, to choice: Choice) { choices[setting.key] = choice }

    /// Whether the user set the value.
    func isChosen(_ key: FlagKey) -> Bool { choices[key].map { !$0.isDefault } ?? false }

    /// The setting that counts among settings that exclude each other: the one with the strongest source.
    /// - Throws: If two of them have this source.
    func chosen(of keys: FlagKey...) throws(SettingError) -> FlagKey? {
        let given = keys.filter(isChosen)
        let nearest = given.compactMap { choices[$0]?.source }.max()
        let candidates = given.filter { choices[$0]?.source == nearest }
        guard candidates.count < 2 else {
            throw SettingError(
                candidates.map { "--\($0.rawValue)" }.joined(separator: " and ") + " are both set; leave one out")
        }
        return candidates.first
    }

    /// The value of a toggle; `nil` = neither set nor with a default.
    func toggle(_ key: FlagKey) -> Bool? {
        if case .toggle(let value) = choices[key]?.value { value } else { nil }
    }

    /// The value of a text, a choice or an on-off-auto setting; `nil` = not set.
    func text(_ key: FlagKey) -> String? {
        if case .text(let value) = choices[key]?.value { value } else { nil }
    }

    /// The value of a whole number, within its range; `nil` = not set.
    func integer(_ key: FlagKey) -> Int? {
        if case .integer(let value) = choices[key]?.value { Int(value) } else { nil }
    }

    /// The value of a number, rounded to 32 bits; `nil` = not set.
    func number(_ key: FlagKey) -> Float? {
        if case .number(let value) = choices[key]?.value { Float(value) } else { nil }
    }

    /// The two numbers of a range, first and last included; `nil` = not set.
    func bounds(_ key: FlagKey) -> ClosedRange<Int>? {
        if case .bounds(let value) = choices[key]?.value { Int(value.lowerBound)...Int(value.upperBound) } else { nil }
    }

    /// The items of a list, never empty; `nil` = not set.
    func list(_ key: FlagKey) -> [String]? {
        if case .list(let value) = choices[key]?.value { value } else { nil }
    }

    /// The JSON object of the setting; `nil` = not set.
    func object(_ key: FlagKey) -> JSONValue? {
        if case .object(let value) = choices[key]?.value { value } else { nil }
    }

    /// The arguments with which `martlet worker` gets the same values. Defaults are left out.
    func workerArguments() -> [String] {
        SettingTable.settings(of: .worker).flatMap { setting -> [String] in
            guard let choice = choices[setting.key], !choice.isDefault else { return [] }
            if case .toggle(let isOn) = choice.value {
                return [isOn ? setting.names[0] : setting.negativeNames.first ?? setting.names[0] + "=off"]
            }
            return choice.texts.map { "\(setting.names[0])=\($0)" }
        }
    }
}
