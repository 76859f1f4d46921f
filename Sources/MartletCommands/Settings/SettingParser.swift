import MartletJSON

/// Turns arguments, environment variables and a file into settings. Flags come before the environment, that before the
/// file, that before defaults.
struct SettingParser {
    private let settings: [Setting]
    /// By normalized flag, with the value that the flag itself stands for.
    private var byName: [String: (setting: Setting, impliedText: String?)] = [:]

    init(command: SettingCommand) {
        settings = SettingTable.settings(of: command)
        for setting in settings {
            let implied: String? = if case .toggle = setting.kind { "on" } else { nil }
            for name in setting.names { byName[name] = (setting, implied) }
            if let negative = setting.negativeName { byName[negative] = (setting, "off") }
        }
    }

    /// A value that somebody gave, not checked yet.
    private struct Given {
        var setting: Setting
        /// As the user spelt it.
        var name: String
        var text: String
    }

    /// - Parameters:
    ///   - arguments: Without the names of program and command.
    ///   - environment: The value of a variable by its name.
    ///   - read: Reads the file that `--config` names.
    func parse(
        arguments: [String], environment: (String) -> String?,
        read: (_ path: String) throws(SettingError) -> String = { path throws(SettingError) in
            try SmallFile.text(path, for: "--config")
        }
    ) throws(SettingError) -> SettingValues {
        var flags: [Given] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if let given = try flag(argument, &rest) { flags.append(given) }
        }
        var variables: [Given] = []
        for setting in settings {
            if let given = try fromEnvironment(setting, environment) { variables.append(given) }
        }
        var values = SettingValues()
        for setting in settings {
            if let text = setting.defaultText {
                values.set(setting, to: try choice(of: setting, text, named: setting.names[0], isDefault: true))
            }
        }
        let path = (flags.last { $0.setting.key == .config } ?? variables.first { $0.setting.key == .config })?.text
        for given in try (path.map { path throws(SettingError) in try inFile(path, read) } ?? []) + variables + flags {
            values.set(given.setting, to: try choice(of: given.setting, given.text, named: given.name))
        }
        return values
    }

    private func inFile(
        _ path: String, _ read: (String) throws(SettingError) -> String
    ) throws(SettingError) -> [Given] {
        var result: [Given] = []
        for entry in try ConfigurationFile(try read(path), path: path).entries {
            do throws(SettingError) {
                var rest: ArraySlice<String> = []
                guard var given = try flag(entry.value.map { "\(entry.flag)=\($0)" } ?? entry.flag, &rest) else {
                    continue
                }
                guard given.setting.key != .config else {
                    throw SettingError("a file cannot name another one")
                }
                given.name = "\(entry.place): \(given.name)"
                result.append(given)
            } catch {
                throw SettingError("\(entry.place): \(error)")
            }
        }
        return result
    }

    /// Reads one flag, and its value from `rest` if it takes one.
    /// - Returns: Nothing for a flag that asks for what always is.
    private func flag(_ argument: String, _ rest: inout ArraySlice<String>) throws(SettingError) -> Given? {
        guard argument.hasPrefix("-"), argument.count > 1 else {
            throw SettingError("unexpected argument '\(argument)'; a model is given with --model PATH")
        }
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = SettingName.normalized(parts[0])
        let attached = parts.count > 1 ? String(parts[1]) : nil
        guard let (setting, implied) = byName[name] else {
            if PeerFlags.isAlwaysSo(name), attached == nil { return nil }
            throw SettingError(unknown(name))
        }
        if let implied {
            guard let attached else { return Given(setting: setting, name: name, text: implied) }
            guard name != setting.negativeName else { throw SettingError("\(name) takes no value") }
            return Given(setting: setting, name: name, text: attached)
        }
        if let attached { return Given(setting: setting, name: name, text: attached) }
        guard let next = rest.first, !isFlag(next) else {
            throw SettingError("\(name) needs a value: \(setting.rule)")
        }
        rest.removeFirst()
        return Given(setting: setting, name: name, text: next)
    }

    /// Whether `argument` is a flag rather than a value such as -1.
    private func isFlag(_ argument: String) -> Bool {
        argument.hasPrefix("--") || byName[SettingName.normalized(argument)] != nil
    }

    private func unknown(_ name: String) -> String {
        if let reason = PeerFlags.refusal(of: name) { return "\(name): \(reason)" }
        guard let nearest = EditDistance.nearest(to: name, among: byName.keys.sorted()) else {
            return "unknown flag \(name); --help lists all flags"
        }
        return "unknown flag \(name); did you mean \(nearest)?"
    }

    private func fromEnvironment(
        _ setting: Setting, _ environment: (String) -> String?
    ) throws(SettingError) -> Given? {
        for name in setting.environmentNames {
            // An empty variable is one that a shell script did not fill in.
            if let text = environment(name), !text.isEmpty { return Given(setting: setting, name: name, text: text) }
        }
        if setting.negativeName != nil {
            for name in setting.environmentNames where name.hasPrefix("LLAMA_ARG_") {
                // As at llama-server: that it is set is enough.
                let negative = "LLAMA_ARG_NO_" + name.dropFirst("LLAMA_ARG_".count)
                if environment(negative) != nil { return Given(setting: setting, name: negative, text: "off") }
            }
        }
        return nil
    }

    private func choice(
        of setting: Setting, _ text: String, named name: String, isDefault: Bool = false
    ) throws(SettingError) -> SettingValues.Choice {
        guard let value = value(of: setting, text) else {
            throw SettingError("\(name) must be \(setting.rule), not '\(text)'")
        }
        return SettingValues.Choice(value: value, text: text, isDefault: isDefault)
    }

    /// - Returns: `nil` when `text` breaks the setting's rule.
    private func value(of setting: Setting, _ text: String) -> SettingValues.Value? {
        switch setting.kind {
        case .toggle:
            switch text.lowercased() {
            case "on", "true", "1", "yes", "enabled": .toggle(true)
            case "off", "false", "0", "no", "disabled": .toggle(false)
            default: nil
            }
        case .text: text.isEmpty ? nil : .text(text)
        case .integer(let range): Int64(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .integerOrWord(let range, let words):
            (words[text] ?? Int64(text)).flatMap { range.contains($0) ? .integer($0) : nil }
        case .number(let range): Double(text).flatMap { range.contains($0) ? .number($0) : nil }
        case .choice(let words): words.contains(text) ? .text(text) : nil
        case .list:
            Self.items(text)
        case .object:
            (try? JSONParser.parse(Array(text.utf8))).flatMap { $0.objectValue == nil ? nil : .object($0) }
        }
    }

    /// - Returns: `nil` for an empty list: an empty list of keys would let everybody in.
    private static func items(_ text: String) -> SettingValues.Value? {
        let items = text.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
        return items.isEmpty ? nil : .list(items)
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
