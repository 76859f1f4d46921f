import MartletJSON

/// What a user chose, and the defaults for the rest.
struct SettingValues: Sendable {
    enum Value: Sendable, Equatable {
        case toggle(Bool)
        case text(String)
        case integer(Int64)
        case number(Double)
        case bounds(ClosedRange<Int64>)
        case list([String])
        case object(JSONValue)
    }

    /// Where a value comes from; later ones come first.
    enum Source: Int, Sendable, Comparable {
        case `default`
        case file
        case environment
        case flag

        static func < (left: Source, right: Source) -> Bool { left.rawValue < right.rawValue }
    }

    /// A value with the texts that it was made of.
    struct Choice: Sendable {
        var value: Value
        var texts: [String]
        var source: Source

        var isDefault: Bool { source == .default }
    }

    private(set) var choices: [FlagKey: Choice] = [:]
    /// Lines about what was given and changes nothing.
    var notices: [String] = []

    mutating func set(_ setting: Setting, to choice: Choice) { choices[setting.key] = choice }

    /// Whether the user chose it.
    func isChosen(_ key: FlagKey) -> Bool { choices[key].map { !$0.isDefault } ?? false }

    /// Which of settings that exclude each other holds: the one that was given nearest to the command.
    /// - Throws: When two of them were given in the same place.
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

    func toggle(_ key: FlagKey) -> Bool? {
        if case .toggle(let value) = choices[key]?.value { value } else { nil }
    }

    func text(_ key: FlagKey) -> String? {
        if case .text(let value) = choices[key]?.value { value } else { nil }
    }

    func integer(_ key: FlagKey) -> Int? {
        if case .integer(let value) = choices[key]?.value { Int(value) } else { nil }
    }

    func number(_ key: FlagKey) -> Float? {
        if case .number(let value) = choices[key]?.value { Float(value) } else { nil }
    }

    func bounds(_ key: FlagKey) -> ClosedRange<Int>? {
        if case .bounds(let value) = choices[key]?.value { Int(value.lowerBound)...Int(value.upperBound) } else { nil }
    }

    func list(_ key: FlagKey) -> [String]? {
        if case .list(let value) = choices[key]?.value { value } else { nil }
    }

    func object(_ key: FlagKey) -> JSONValue? {
        if case .object(let value) = choices[key]?.value { value } else { nil }
    }

    /// The flags that make `martlet worker` choose the same for what concerns it.
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
