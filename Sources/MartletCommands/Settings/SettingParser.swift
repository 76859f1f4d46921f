import MartletText

/// Parses arguments, environment variables and a file into settings.
///
/// A flag overrides a variable, a variable overrides the file, the file overrides the default. Only the value that
/// counts is checked: a wrong variable is no error while a flag overrides it.
struct SettingParser {
    /// The command selects the settings; only `serve` accepts flags of llama-server.
    private let command: SettingCommand
    /// The settings of the command, in the order of the table.
    private let settings: [Setting]
    /// The setting of each spelling. `impliedText` is the value of a toggle's spelling: on or off.
    private var byName: [String: (setting: Setting, impliedText: String?)] = [:]

    /// Builds the index of all spellings once; a parser can be used again.
    init(command: SettingCommand) {
        self.command = command
        settings = SettingTable.settings(of: command)
        for setting in settings {
            let implied: String? = if case .toggle = setting.kind { "on" } else { nil }
            for name in setting.names { byName[name] = (setting, implied) }
            for name in setting.negativeNames { byName[name] = (setting, "off") }
        }
    }

    /// A value that was set and is not checked yet.
    private struct RawSetting {
        var setting: Setting
        /// The spelling of the user, for errors.
        var name: String
        var text: String
        var source: SettingValues.Source
    }

    /// The values of one source, and log lines about flags without effect.
    private struct Collected {
        var given: [RawSetting] = []
        var notices: [String] = []
        /// Whether a file has sections of models.
        var hasSections = false
    }

    /// Parses all sources.
    /// - Parameters:
    ///   - arguments: The arguments without the names of program and command.
    ///   - environment: Returns the value of a variable.
    ///   - variables: The names of all variables, for notices about misspelt names; empty if they are unknown.
    ///   - read: Reads the file of `--config`.
    /// - Throws: At the first unknown flag, missing value or wrong value.
    func parse(
        arguments: [String], environment: (String) -> String?, variables: [String] = [],
        read: (_ path: String) throws(SettingError) -> String = { path throws(SettingError) in
            try SmallFile.text(path, for: "--config")
        }
    ) throws(SettingError) -> SettingValues {
        var flags = Collected()
        var rest = arguments[...]
        while let argument = rest.popFirst() { try readFlag(argument, &rest, from: .flag, into: &flags) }
        let fromEnvironment = try self.fromEnvironment(environment, variables)
        let path =
            (flags.given.last { $0.setting.key == .config }
            ?? fromEnvironment.given.last { $0.setting.key == .config })?.text
        let file = try path.map { path throws(SettingError) in try inFile(path, read) } ?? Collected()

        var values = SettingValues()
        for setting in settings {
            if let text = setting.defaultText {
                values.set(setting, to: try choice(of: setting, [text], named: setting.names[0], .default))
            }
        }
        var chosen: [FlagKey: [RawSetting]] = [:]
        for given in file.given + fromEnvironment.given + flags.given {
            let key = given.setting.key
            if let before = chosen[key]?.first, before.source == given.source, given.setting.kind.addsUp {
                chosen[key]?.append(given)
            } else {
                chosen[key] = [given]
            }
        }
        for setting in settings {
            guard let given = chosen[setting.key], let last = given.last else { continue }
            let choice = try choice(of: setting, given.map(\.text), named: last.name, last.source)
            values.set(setting, to: choice)
        }
        values.modelPaths = flags.given.filter { $0.setting.key == .model }.map(\.text)
        values.hasModelSections = file.hasSections
        values.notices = flags.notices + fromEnvironment.notices + file.notices
        return values
    }

    /// Parses a file. An entry follows the rules of its flag; errors begin with file and line.
    private func inFile(
        _ path: String, _ read: (String) throws(SettingError) -> String
    ) throws(SettingError) -> Collected {
        var result = Collected()
        var lines: [String: Int] = [:]
        let file = try ConfigurationFile(try read(path), path: path)
        result.hasSections = file.sections != nil
        for entry in file.entries {
            do throws(SettingError) {
                var rest: ArraySlice<String> = []
                var found = Collected()
                // Short flags with several letters, such as `np`, have one dash.
                let flag = isKnown("-" + entry.name) ? "-" + entry.name : "--" + entry.name
                try readFlag(entry.value.map { "\(flag)=\($0)" } ?? flag, &rest, from: .file, into: &found)
                for var given in found.given {
                    guard given.setting.key != .config else { throw SettingError("a file cannot name another file") }
                    let earlier = lines.updateValue(entry.line, forKey: entry.name)
                    if let earlier, !given.setting.kind.addsUp {
                        throw SettingError("\(entry.name) is set already on line \(earlier)")
                    }
                    given.name = "\(entry.source): \(given.name)"
                    result.given.append(given)
                }
                result.notices += found.notices.map { "\(entry.source): \($0)" }
            } catch {
                throw SettingError("\(entry.source): \(error)")
            }
        }
        return result
    }

    /// Parses a flag, and removes its values from `rest`.
    private func readFlag(
        _ argument: String, _ rest: inout ArraySlice<String>, from source: SettingValues.Source,
        into found: inout Collected
    ) throws(SettingError) {
        guard argument.hasPrefix("-"), argument.count > 1 else {
            throw SettingError("unexpected argument '\(argument)'; set a model with --model PATH")
        }
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = SettingName.normalized(parts[0])
        let attached = parts.count > 1 ? String(parts[1]) : nil
        guard let (setting, implied) = byName[name] else {
            if let notice = try readPeerFlag(name, attached, &rest) { found.notices.append(notice) }
            return
        }
        func add(_ text: String) {
            found.given.append(RawSetting(setting: setting, name: name, text: text, source: source))
        }
        if let implied {
            guard let attached else { return add(implied) }
            guard !setting.negativeNames.contains(name) else { throw SettingError("\(name) has no value") }
            return add(attached)
        }
        if let attached { return add(attached) }
        guard let next = rest.first, !isFlag(next) else {
            // Older scripts have the flag without a value. The form with three values is newer.
            if case .onOffAuto = setting.kind { return add("on") }
            throw SettingError("\(name) needs a value: \(setting.rule)")
        }
        rest.removeFirst()
        guard setting.valueCount == 2 else { return add(next) }
        guard let second = rest.first, !isFlag(second) else {
            throw SettingError("\(name) needs two values: \(setting.rule)")
        }
        rest.removeFirst()
        add("\(next) \(second)")
    }

    /// Parses a flag of llama-server that is not a setting.
    /// - Returns: A log line about its missing effect; `nil` if there is nothing to say.
    /// - Throws: If the flag is unknown, or needs a missing capability.
    private func readPeerFlag(
        _ name: String, _ attached: String?, _ rest: inout ArraySlice<String>
    ) throws(SettingError) -> String? {
        guard command == .serve, let (flag, support) = PeerFlags.find(name) else {
            throw SettingError(unknown(name))
        }
        var given = attached.map { [$0] } ?? []
        while given.count < flag.valueCount, let next = rest.first, !isFlag(next) {
            given.append(next)
            rest.removeFirst()
        }
        if flag.valueCount == 0, let attached, !flag.negatives.contains(name) {
            guard let requested = flag.support(ofVariable: attached) else { return nil }
            if let refusal = PeerFlag.refusal(of: name, requested) { throw SettingError(refusal) }
            return PeerFlag.notice(on: name, requested)
        }
        if given.count == 1, flag.neutralValues.contains(given[0]) { return nil }
        if let refusal = PeerFlag.refusal(of: name, support) { throw SettingError(refusal) }
        guard given.count == flag.valueCount else { throw SettingError("\(name) needs a value") }
        return PeerFlag.notice(on: name, support)
    }

    /// Whether `argument` is a flag, and not a value such as `-1`.
    private func isFlag(_ argument: String) -> Bool {
        argument.hasPrefix("--") || isKnown(SettingName.normalized(argument))
    }

    /// Whether a spelling is a setting or a flag of llama-server.
    func isKnown(_ name: String) -> Bool { byName[name] != nil || PeerFlags.find(name) != nil }

    /// The error for an unknown flag, with the nearest spelling.
    private func unknown(_ name: String) -> String {
        guard let nearest = NearestWord.find(name, among: byName.keys.sorted()) else {
            return "unknown flag \(name); --help lists all flags"
        }
        return "unknown flag \(name); did you mean \(nearest)?"
    }

    // MARK: Environment

    /// The values of all variables. The worker reads only its own settings.
    private func fromEnvironment(
        _ environment: (String) -> String?, _ variables: [String]
    ) throws(SettingError) -> Collected {
        var result = Collected()
        for setting in settings {
            if let given = variable(of: setting, environment, &result.notices) { result.given.append(given) }
        }
        guard command == .serve else { return result }
        for flag in PeerFlags.all {
            for name in flag.environmentNames {
                guard let text = environment(name), !text.isEmpty, let requested = flag.support(ofVariable: text) else {
                    continue
                }
                if let refusal = PeerFlag.refusal(of: name, requested) { throw SettingError(refusal) }
                if let notice = PeerFlag.notice(on: name, requested) { result.notices.append(notice) }
            }
            guard !flag.negatives.isEmpty else { continue }
            for name in flag.environmentNames.compactMap(SettingName.negativeVariable) where environment(name) != nil {
                if let refusal = PeerFlag.refusal(of: name, flag.negativeSupport) { throw SettingError(refusal) }
                if let notice = PeerFlag.notice(on: name, flag.negativeSupport) { result.notices.append(notice) }
            }
        }
        result.notices += VariableNames.notices(on: variables)
        return result
    }

    /// The first variable of a setting that has a value.
    private func variable(
        of setting: Setting, _ environment: (String) -> String?, _ notices: inout [String]
    ) -> RawSetting? {
        for name in setting.environmentNames {
            // An empty variable counts as not set: shell scripts often leave variables empty.
            guard let text = environment(name), !text.isEmpty else { continue }
            guard !VariableNames.isServiceLink(text) else {
                notices.append("\(name) is ignored: '\(text)' is a service address that Kubernetes or Docker sets")
                continue
            }
            return RawSetting(setting: setting, name: name, text: text, source: .environment)
        }
        if !setting.negativeNames.isEmpty {
            for negative in setting.environmentNames.compactMap(SettingName.negativeVariable) {
                // Any value switches the toggle off, as in llama-server.
                if environment(negative) != nil {
                    return RawSetting(setting: setting, name: negative, text: "off", source: .environment)
                }
            }
        }
        return nil
    }

    /// Checks the texts of a setting.
    /// - Parameter texts: One text, or several if values are combined.
    /// - Throws: With the rule and the first text that breaks it.
    private func choice(
        of setting: Setting, _ texts: [String], named name: String, _ source: SettingValues.Source
    ) throws(SettingError) -> SettingValues.Choice {
        guard let value = setting.kind.value(of: texts) else {
            let text = texts.last { setting.kind.value(of: [$0]) == nil } ?? texts.last ?? ""
            throw SettingError("\(name) must be \(setting.rule), not '\(text)'")
        }
        return SettingValues.Choice(value: value, texts: texts, source: source)
    }
}
